"""``torch.onnx``: models are not exported here."""

from __future__ import annotations

from .absent import absent

__getattr__ = absent(
    "onnx", "there is no ONNX exporter here.", "Save the state_dict, load it in PyTorch and export it there."
)
