"""Published files: where they lie, whether they are whole, and how to get them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

__all__ = ["damaged", "download", "first_existing", "md5_of", "missing"]

_CHUNK = 1 << 20


def md5_of(path: Path) -> str:
    """The file's md5: the hash the publishers give. It guards against damage, not against malice."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def first_existing(candidates: Iterable[Path]) -> Path | None:
    """The first of `candidates` that is a file."""
    return next((path for path in candidates if path.is_file()), None)


def missing(who: str, what: str, candidates: Sequence[Path], md5: str | None, urls: Sequence[str]) -> RuntimeError:
    """The error that says which file is missing, what is expected, and where to put it."""
    expected = f" (md5 {md5})" if md5 else ""
    source = f" It is published at {urls[0]}." if urls else ""
    others = f" (also looked for: {', '.join(str(path) for path in candidates[1:])})" if len(candidates) > 1 else ""
    return RuntimeError(
        f"{who}: {what} not found{expected}. Put it at {candidates[0]}{others}, or pass download=True.{source}"
    )


def damaged(who: str, path: Path, problem: str) -> RuntimeError:
    """The error for a file that is there but not what was published."""
    return RuntimeError(f"{who}: {path} is damaged or not the published file: {problem}. Delete it and get it again.")


def download(who: str, urls: Sequence[str], target: Path, md5: str, timeout: float = 30.0) -> Path:
    """Fetch `target` from the first of `urls` that gives the bytes with this md5.

    The file appears under its name only when it is whole: it is written beside its place and renamed.

    Raises
    ------
    RuntimeError
        When no address gives the file; the text has each address's reason.
    """
    import urllib.error  # heavy, and needed for downloads alone
    import urllib.request

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    except OSError as error:
        raise RuntimeError(f"{who}: cannot write to {target.parent} ({error}); choose another root.") from None
    os.close(handle)
    part = Path(name)
    reasons = []
    try:
        for url in urls:
            try:
                request = urllib.request.Request(url, headers={"User-Agent": "autograd-core"})
                with urllib.request.urlopen(request, timeout=timeout) as response, open(part, "wb") as file:
                    while chunk := response.read(_CHUNK):
                        file.write(chunk)
            except (urllib.error.URLError, OSError, ValueError) as error:
                reasons.append(f"{url}: {getattr(error, 'reason', None) or error}")
                continue
            if (got := md5_of(part)) != md5:
                reasons.append(f"{url}: gave a file with md5 {got}")
                continue
            os.replace(part, target)
            return target
    finally:
        part.unlink(missing_ok=True)
    raise RuntimeError(
        f"{who}: could not download {target.name} (md5 {md5}): {'; '.join(reasons)}. Without a network, put the file "
        f"at {target} yourself."
    )
