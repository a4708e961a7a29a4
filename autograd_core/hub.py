"""``torch.hub``: nothing is downloaded here."""

from __future__ import annotations

from .absent import absent

__getattr__ = absent("hub", "nothing is downloaded here.", "Fetch the file yourself and read it with load().")
