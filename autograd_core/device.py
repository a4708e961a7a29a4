"""Devices as scripts use them.  There is one, the CPU; asking for another is one clear sentence."""

from __future__ import annotations

from typing import Any

from .errors import not_here


class device:
    """PyTorch's ``torch.device``: ``device("cpu")``, with ``.type`` and ``.index``."""

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index if index is None else index
        if not isinstance(type, str):
            raise TypeError(f"device: expected a string such as 'cpu', got {type!r}.")
        kind, _, number = type.partition(":")
        if number:
            if not number.isdigit():
                raise RuntimeError(f"device: {type!r} is not a device; write 'cpu'.")
            index = int(number)
        if kind != "cpu":
            raise not_here(f"device({type!r})", "this engine runs on the CPU only.", "Use device('cpu').")
        if index not in (None, 0):
            raise RuntimeError(f"device: there is one CPU device, index 0; got index {index}.")
        self.type = kind
        self.index = index

    def __repr__(self) -> str:
        return "device(type='cpu')" if self.index is None else f"device(type='cpu', index={self.index})"

    def __str__(self) -> str:
        return "cpu" if self.index is None else f"cpu:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index or 0) == (other.type, other.index or 0)

    def __hash__(self) -> int:
        return hash((self.type, self.index or 0))

    def __enter__(self) -> device:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


CPU = device("cpu")


def check_device(name: str, value: Any) -> None:
    """Accept None, ``"cpu"`` and ``device("cpu")``; refuse all else with one sentence that names the caller."""
    if value is None or value is CPU or value == "cpu" or isinstance(value, device):
        return
    if isinstance(value, str) and value.partition(":")[0] == "cpu":
        device(value)
        return
    if isinstance(value, (str, int)):
        raise not_here(f"{name}: device {value!r}", "this engine runs on the CPU only.", "Use device='cpu'.")
    raise TypeError(f"{name}: device must be 'cpu' or device('cpu'), got {type(value).__name__}.")
