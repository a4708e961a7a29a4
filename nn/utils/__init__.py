"""Tools around modules: gradient clipping, vectors of parameters, packed sequences, parametrizations, pruning, summaries."""

from __future__ import annotations

from . import rnn
