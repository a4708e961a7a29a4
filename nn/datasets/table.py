"""Tables of numbers and categories in CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ac

from ..data.dataset import TensorDataset

__all__ = ["CSVDataset"]


class CSVDataset(TensorDataset):
    """Rows of a CSV file as (features, target), all in memory.

    Parameters
    ----------
    path : str or Path or file
        UTF-8 text.
    target : str or int, optional
        The target's column, by name or position; None: samples are ``(features,)``.
    columns : sequence of str or int, optional
        The features' columns; default: all others.
    header : bool, optional
        Whether the first row holds names; None: it does when it has an entry that is not a number.
    delimiter : str
    missing : float, optional
        What an empty entry (or "?", "NA", "nan") counts as; None: an empty entry is an error.

    Attributes
    ----------
    feature_names : list of str
    classes : list of str or None
        For a target that is not numeric: its values in order; the target is then their int64 positions. A target of
        whole numbers is int64, any other float32.

    Raises
    ------
    RuntimeError
        When the file is missing, ragged or holds something else than numbers in a feature; the text names the line and
        column.

    Examples
    --------
    >>> import io
    >>> data = CSVDataset(io.StringIO("a,b,kind\\n1,2,cat\\n3,4,dog\\n"), target="kind")
    >>> data[1], data.classes
    ((tensor([3., 4.]), tensor(1)), ['cat', 'dog'])
    """

    _GAPS = frozenset(("", "?", "na", "nan", "null"))

    def __init__(
        self,
        path: Any,
        target: str | int | None = None,
        columns: Sequence[str | int] | None = None,
        header: bool | None = None,
        delimiter: str = ",",
        missing: float | None = None,
    ) -> None:
        self._where = getattr(path, "name", None) or (str(path) if isinstance(path, (str, Path)) else "the file")
        lines, rows = self._rows(path, delimiter)
        if header is None:
            header = not all(self._is_number(entry) or entry.strip().lower() in self._GAPS for entry in rows[0])
        names = [entry.strip() for entry in rows[0]] if header else [str(i) for i in range(len(rows[0]))]
        if header:
            lines, rows = lines[1:], rows[1:]
        if not rows:
            raise RuntimeError(f"CSVDataset: {self._where} has a header but no rows.")
        for line, row in zip(lines, rows, strict=True):
            if len(row) != len(names):
                raise RuntimeError(
                    f"CSVDataset: {self._where}, line {line}: {len(row)} entries, expected {len(names)} as in the "
                    "first row."
                )
        chosen_target = None if target is None else self._column(target, names)
        if columns is None:
            chosen = [i for i in range(len(names)) if i != chosen_target]
        else:
            chosen = [self._column(column, names) for column in columns]
        if not chosen:
            raise ValueError("CSVDataset: no column is left for the features.")
        self.feature_names = [names[i] for i in chosen]
        self.classes: list[str] | None = None
        features = np.empty((len(rows), len(chosen)), np.float32)
        for j, i in enumerate(chosen):
            features[:, j] = self._numbers([row[i] for row in rows], lines, names[i], missing)
        if chosen_target is None:
            super().__init__(ac.from_numpy(features))
        else:
            entries = [row[chosen_target].strip() for row in rows]
            super().__init__(ac.from_numpy(features), self._target(entries, lines, names[chosen_target], missing))

    def _rows(self, path: Any, delimiter: str) -> tuple[list[int], list[list[str]]]:
        try:
            text = path.read() if hasattr(path, "read") else Path(path).read_bytes()
            if isinstance(text, bytes):
                text = text.decode("utf-8-sig")
        except OSError as error:
            raise RuntimeError(f"CSVDataset: cannot read {self._where} ({error.strerror or error}).") from None
        except UnicodeDecodeError as error:
            raise RuntimeError(f"CSVDataset: {self._where} is not UTF-8 text ({error.reason}).") from None
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        lines, rows = [], []
        try:
            for row in reader:
                if row:
                    lines.append(reader.line_num)
                    rows.append(row)
        except csv.Error as error:
            raise RuntimeError(f"CSVDataset: {self._where}, line {reader.line_num}: {error}.") from None
        if not rows:
            raise RuntimeError(f"CSVDataset: {self._where} is empty.")
        return lines, rows

    @staticmethod
    def _is_number(entry: str) -> bool:
        try:
            float(entry)
        except ValueError:
            return False
        return True

    def _column(self, column: str | int, names: list[str]) -> int:
        if isinstance(column, str) and column in names:
            return names.index(column)
        if isinstance(column, int) and not isinstance(column, bool) and -len(names) <= column < len(names):
            return column % len(names)
        raise ValueError(f"CSVDataset: no column {column!r} in {self._where}; its columns are {names}.")

    def _numbers(self, entries: list[str], lines: list[int], name: str, missing: float | None) -> np.ndarray:
        out = np.empty(len(entries), np.float64)
        for i, entry in enumerate(entries):
            gap = entry.strip().lower() in self._GAPS
            if gap and missing is not None:
                out[i] = missing
            elif gap or not self._is_number(entry):
                hint = "pass missing= to say what it counts as" if gap else "features must be numbers"
                raise RuntimeError(
                    f"CSVDataset: {self._where}, line {lines[i]}, column {name!r}: "
                    f"{'a missing value' if gap else repr(entry)}; {hint}."
                )
            else:
                out[i] = float(entry)
        return out

    def _target(self, entries: list[str], lines: list[int], name: str, missing: float | None) -> ac.Tensor:
        if all(self._is_number(entry) or entry.lower() in self._GAPS for entry in entries):
            values = self._numbers(entries, lines, name, missing)
            whole = np.isfinite(values).all() and (values == np.round(values)).all() and np.abs(values).max() < 2**53
            return ac.from_numpy(values.astype(np.int64 if whole else np.float32))
        self.classes = sorted(set(entries))
        places = {entry: i for i, entry in enumerate(self.classes)}
        return ac.from_numpy(np.array([places[entry] for entry in entries], np.int64))
