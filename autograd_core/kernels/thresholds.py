"""The one table of sizes at which a kernel changes its way of working.

How they were measured: two AVX2 cores (AMD EPYC 7003), NumPy 2.4, Numba 0.68, float32, both ways interleaved in one
process, best of 50; the entry is the size from which the second way was quicker in every run, rounded up to one
digit.  They are sizes, not times, so another machine shifts them a little but does not break anything: both ways
give the same numbers up to rounding.
"""

from __future__ import annotations

THRESHOLDS: dict[str, int] = {
    # runtime.parallel: elements of a memory-bound pass (about 1 ns each) that pay for waking one more thread
    "parallel.elements": 60_000,
    # multiply-adds of a compute-bound kernel (40 to 100 a nanosecond) that pay for waking one more thread
    "parallel.fma": 1_000_000,
    # conv*: multiply-adds below which the NumPy twin is used, so that a tiny model never waits for the compiler
    "conv.numba": 100_000,
    # conv.bias_grad: elements of the gradient
    "conv.bias_grad": 20_000,
    # optimizers: elements updated so far (plus 1000 per tensor) from which a compiled pass is worth importing Numba;
    # counted over the steps of a run, since kernel and twin give the same bits
    "optim.numba": 10_000_000,
    # softmax and log_softmax: elements
    "softmax.numba": 8_000,
    # runtime.parallel: elements of a pass with an exponential or so for each (also about 1 ns, but not for memory)
    "parallel.exp": 10_000,
    # cross_entropy: logits; it gains more than softmax does, over a dozen NumPy calls
    "loss.numba": 1_000,
    # pooling: elements of the input
    "pooling.numba": 10_000,
    # normalisation: elements
    "norm.numba": 16_000,
    # elementwise passes without and with an exponential: elements
    "elementwise.numba": 60_000,
    "activation.numba": 8_000,
    # functions that NumPy or SciPy compute element by element (2 to 20 ns each): elements
    "elementwise.scalar": 5_000,
    # sums over axes: elements (NumPy's are good, only not the best); products and scans, which NumPy does one by one
    "reduction.numba": 30_000,
    "scan.numba": 5_000,
    # the k-th or the k greatest of rows, gather: elements
    "selection.numba": 3_000,
    # sums into indexed places: values; dropout: elements
    "indexing.numba": 4_000,
    "dropout.numba": 16_000,
    # attention: multiply-adds of queries with keys
    "attention.numba": 100_000,
    # CTC: labels times steps
    "ctc.numba": 4_000,
    # recurrent layers: multiply-adds of the recurrent products
    "rnn.numba": 1_000_000,
}
