"""Orthogonal polynomials: Chebyshev, Hermite, Laguerre, Legendre.  Values only, as in PyTorch.

Each follows from its three-term recurrence p_{k+1} = (a_k x + b_k) p_k - c_k p_{k-1} (NIST Digital Library of
Mathematical Functions, table 18.9.1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..op import defop
from ..tensor import Tensor

Recurrence = Callable[[int], tuple[float, float, float]]


def _polynomial(
    name: str, symbol: str, first: Callable[[Any], Any], step: Recurrence, shifted: bool = False
) -> Callable[[Any, Any], Tensor]:
    """Declare the polynomial of degree n with p_0 = 1, p_1 = first(x)."""

    def kernel(x: Any, n: Any) -> Any:
        kind = np.result_type(x, n)
        x, n = np.broadcast_arrays(np.asarray(x, kind), np.asarray(n, kind))
        degree = np.trunc(n)
        z = 2 * x - 1 if shifted else x
        before, now = np.ones_like(z), np.asarray(first(z), kind)
        y = np.where(degree == 0, before, np.where(degree == 1, now, np.zeros_like(z)))
        top = int(degree[np.isfinite(degree)].max(initial=0))
        for k in range(1, top):
            a, b, c = (kind.type(v) for v in step(k))
            before, now = now, (a * z + b) * now - c * before
            y = np.where(degree == k + 1, now, y)
        return y.astype(kind, copy=False)

    dispatch = defop(
        kernel, "a b", name=name, elementwise=True, promote="float", formula=f"the polynomial {symbol}_b(a)"
    )

    def function(x: Any, n: Any) -> Tensor:
        if not isinstance(x, Tensor) and not isinstance(n, Tensor):
            raise TypeError(
                f"{name}: at least one argument must be a Tensor, got ({type(x).__name__}, {type(n).__name__})."
            )
        return dispatch(x, n)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The polynomial {symbol}_n(x), 0 for negative n; carries no gradient."
    return function


def _chebyshev(k: int) -> tuple[float, float, float]:
    return 2.0, 0.0, 1.0


chebyshev_polynomial_t = _polynomial("chebyshev_polynomial_t", "T", lambda x: x, _chebyshev)
chebyshev_polynomial_u = _polynomial("chebyshev_polynomial_u", "U", lambda x: 2 * x, _chebyshev)
chebyshev_polynomial_v = _polynomial("chebyshev_polynomial_v", "V", lambda x: 2 * x - 1, _chebyshev)
chebyshev_polynomial_w = _polynomial("chebyshev_polynomial_w", "W", lambda x: 2 * x + 1, _chebyshev)
shifted_chebyshev_polynomial_t = _polynomial(
    "shifted_chebyshev_polynomial_t", "T*", lambda x: x, _chebyshev, shifted=True
)
shifted_chebyshev_polynomial_u = _polynomial(
    "shifted_chebyshev_polynomial_u", "U*", lambda x: 2 * x, _chebyshev, shifted=True
)
shifted_chebyshev_polynomial_v = _polynomial(
    "shifted_chebyshev_polynomial_v", "V*", lambda x: 2 * x - 1, _chebyshev, shifted=True
)
shifted_chebyshev_polynomial_w = _polynomial(
    "shifted_chebyshev_polynomial_w", "W*", lambda x: 2 * x + 1, _chebyshev, shifted=True
)
hermite_polynomial_h = _polynomial("hermite_polynomial_h", "H", lambda x: 2 * x, lambda k: (2.0, 0.0, 2.0 * k))
hermite_polynomial_he = _polynomial("hermite_polynomial_he", "He", lambda x: x, lambda k: (1.0, 0.0, float(k)))
laguerre_polynomial_l = _polynomial(
    "laguerre_polynomial_l", "L", lambda x: 1 - x, lambda k: (-1 / (k + 1), (2 * k + 1) / (k + 1), k / (k + 1))
)
legendre_polynomial_p = _polynomial(
    "legendre_polynomial_p", "P", lambda x: x, lambda k: ((2 * k + 1) / (k + 1), 0.0, k / (k + 1))
)
