"""Tools around modules: gradient clipping, vectors of parameters, packed sequences, parametrizations, pruning,
summaries."""

from __future__ import annotations

import importlib
from typing import Any

from . import parametrizations, parametrize, prune, rnn, stateless
from .clip_grad import clip_grad_norm, clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from .convert_parameters import parameters_to_vector, vector_to_parameters
from .fusion import fuse_conv_bn_eval, fuse_conv_bn_weights, fuse_linear_bn_eval, fuse_linear_bn_weights
from .skip import skip_init
from .spectral_norm import remove_spectral_norm, spectral_norm
from .summarize import Summary, count_parameters, summary
from .weight_norm import remove_weight_norm, weight_norm

__all__ = [
    "Summary", "clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "count_parameters",
    "fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights", "get_total_norm",
    "parameters_to_vector", "parametrizations", "parametrize", "prune", "remove_spectral_norm", "remove_weight_norm",
    "rnn",
    "skip_init", "spectral_norm", "stateless", "summary", "vector_to_parameters", "weight_norm",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """``swa_utils`` lives with the optimizers, as in PyTorch; it is found here too."""
    if name == "swa_utils":
        return importlib.import_module("nn.optim.swa_utils")
    raise AttributeError(f"module 'nn.utils' has no attribute {name!r}")
