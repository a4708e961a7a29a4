"""The one table of sizes at which a kernel changes its way of working.

A compiled kernel costs 1 us to call, so once Numba is loaded it beats its NumPy twin at nearly any size.  But loading
Numba takes half a second, and a first compilation seconds.  So the entries that end in ``.numba`` are the sizes from
which a kernel saves about 25 us a call, which some 20,000 calls repay; they depend on nothing but sizes, so a program
that runs twice in one process computes the same bits twice, whatever ran in between.

``AUTOGRAD_CORE_NUMBA=eager`` takes the kernels from the sizes in `EAGER` on, where a loaded kernel is quicker: for long
runs on small arrays.  Measured on two AVX2 cores (AMD EPYC 7003), NumPy 2.4, Numba 0.68, float32, CPU time of one
thread, both ways interleaved in one process, best of 40.  They are sizes, not times, so another machine shifts them a
little but does not break anything: both ways give the same numbers up to rounding.
"""

from __future__ import annotations

import os

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
    # the same where something else has loaded Numba: the optimizers' kernels then take 25 ms to load, not 500
    "optim.loaded": 1_000_000,
    # softmax and log_softmax: elements
    "softmax.numba": 8_000,
    # runtime.parallel: elements of a pass with an exponential or so for each (also about 1 ns, but not for memory)
    "parallel.exp": 10_000,
    # cross_entropy: logits
    "loss.numba": 4_000,
    # pooling: elements of the input
    "pooling.numba": 8_000,
    # normalisation: elements
    "norm.numba": 8_000,
    # elementwise passes without and with an exponential: elements
    "elementwise.numba": 30_000,
    "activation.numba": 5_000,
    # functions that NumPy or SciPy compute element by element (2 to 20 ns each): elements
    "elementwise.scalar": 5_000,
    # sums over axes: elements (NumPy's are good, only not the best); products and scans, which NumPy does one by one
    "reduction.numba": 30_000,
    "scan.numba": 5_000,
    # the k-th or the k greatest of rows, gather: elements
    "selection.numba": 3_000,
    # sums into indexed places: values; dropout: elements
    "indexing.numba": 4_000,
    "dropout.numba": 8_000,
    # attention: multiply-adds of queries with keys
    "attention.numba": 100_000,
    # CTC: labels times steps
    "ctc.numba": 4_000,
    # matrix products shared by the threads: multiply-adds
    "blas.numba": 4_000_000,
    # recurrent layers: multiply-adds of the recurrent products
    "rnn.numba": 200_000,
}

EAGER: dict[str, int] = {
    **dict.fromkeys(
        (
            "conv.numba", "softmax.numba", "loss.numba", "pooling.numba", "norm.numba", "activation.numba",
            "dropout.numba", "attention.numba", "ctc.numba", "rnn.numba",
        ),
        1,
    ),
    "optim.numba": 1,
    "elementwise.numba": 4_000,
}  # fmt: skip

if os.environ.get("AUTOGRAD_CORE_NUMBA", "").strip().lower() == "eager":
    THRESHOLDS.update(EAGER)
