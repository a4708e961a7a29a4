"""L-BFGS, with an optional strong Wolfe line search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core import Tensor, enable_grad
from autograd_core.graph import wrote
from autograd_core.tensor import wrap

from .optimizer import Array, Closure, Optimizer, Params, State, at_least, is_sparse, number, real_view


class LBFGS(Optimizer):
    r"""Limited-memory BFGS (Nocedal and Wright, *Numerical Optimization*, chapters 3 and 7; PyTorch's ``LBFGS``).

    One step runs up to ``max_iter`` iterations and calls the closure up to ``max_eval`` times.

    Parameters
    ----------
    params : iterable
        Parameters; there can be only one group.
    lr : float
        Length of a step relative to the quasi-Newton step (the first trial of the line search).
    max_iter : int
    max_eval : int, optional
        Default ``max_iter * 5 // 4``.
    tolerance_grad : float
        Stop when no component of the gradient exceeds it.
    tolerance_change : float
        Stop when parameters and loss change less.
    history_size : int
    line_search_fn : {None, "strong_wolfe"}

    Raises
    ------
    ValueError
        If lr is negative or there are several groups.
    RuntimeError
        In step, for another line search.

    Examples
    --------
    >>> import autograd_core as ac
    >>> from nn.optim import LBFGS
    >>> p = ac.tensor([-1.5, 2.0], requires_grad=True)
    >>> optimizer = LBFGS([p], max_iter=100, max_eval=500, line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> loss = optimizer.step(closure)
    >>> float((p - 1).abs().max()) < 1e-3
    True
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        at_least("LBFGS", "lr", lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError(
                "LBFGS: it sees all parameters as one vector, so there can be only one group, "
                f"got {len(self.param_groups)}."
            )

    # --------------------------------------------------------------------------------------- the parameters as a vector

    @property
    def _params(self) -> list[Tensor]:
        params: list[Tensor] = self.param_groups[0]["params"]
        return params

    def _flat_grad(self) -> Array:
        pieces = []
        for p in self._params:
            if p.grad is None:
                pieces.append(np.zeros_like(real_view(p.array)).reshape(-1))
            else:
                grad = p.grad.to_dense() if is_sparse(p.grad) else p.grad  # type: ignore[attr-defined]
                pieces.append(real_view(grad.array).reshape(-1))
        return np.concatenate(pieces)

    def _move(self, t: float, direction: Array) -> None:
        """Add ``t * direction`` to the parameters."""
        offset = 0
        for p in self._params:
            a = real_view(p.array)
            a += (t * direction[offset : offset + a.size]).reshape(a.shape)
            offset += a.size
            wrote(p.array)

    def _restore(self, values: list[Array]) -> None:
        for p, value in zip(self._params, values, strict=True):
            p.array[...] = value
            wrote(p.array)

    # ------------------------------------------------------------------------------------------- the step

    def step(self, closure: Closure | None = None) -> Any:
        """Minimise for up to ``max_iter`` iterations.

        Parameters
        ----------
        closure : callable
            Clears the gradients, evaluates the loss, calls backward and returns the loss.

        Returns
        -------
        The loss before the step.
        """
        if closure is None:
            raise TypeError("LBFGS.step: needs a closure that evaluates the model again and returns the loss.")
        group = self.param_groups[0]
        lr, max_iter, max_eval = number(group["lr"]), group["max_iter"], group["max_eval"]
        tolerance_grad, tolerance_change = group["tolerance_grad"], group["tolerance_change"]
        search = group["line_search_fn"]
        if search not in (None, "strong_wolfe"):
            raise RuntimeError(f"LBFGS.step: only 'strong_wolfe' is supported as line_search_fn, got {search!r}.")

        def evaluate() -> tuple[Any, Array]:
            with enable_grad():
                loss = closure()
            return loss, self._flat_grad()

        memory = _Memory(
            self.state[self._params[0]], group["history_size"]
        )  # PyTorch keeps it with the first parameter
        first_loss, grad = evaluate()
        loss = float(first_loss)
        evaluations = 1
        memory.evaluations += 1
        if np.abs(grad).max(initial=0.0) <= tolerance_grad:
            memory.store()
            return first_loss

        iterations = 0
        while iterations < max_iter:
            iterations += 1
            memory.iterations += 1
            direction = memory.direction(grad)
            memory.grad, memory.loss = grad.copy(), loss
            t = lr if memory.iterations > 1 else min(1.0, 1.0 / float(np.abs(grad).sum())) * lr
            memory.d, memory.t = direction, t
            slope = float(grad @ direction)
            if slope > -tolerance_change:
                break

            if search is not None:
                start = [p.array.copy() for p in self._params]

                def probe(t: float, start: list[Array] = start, direction: Array = direction) -> _Point:
                    self._move(t, direction)
                    value, g = evaluate()
                    self._restore(start)
                    return _Point(t, float(value), g, float(g @ direction))

                point, spent = strong_wolfe(
                    probe,
                    t,
                    _Point(0.0, loss, grad, slope),
                    float(np.abs(direction).max()),
                    max_ls=max_eval - evaluations,
                )
                t, loss, grad = point.t, point.f, point.g
                memory.t = t
                self._move(t, direction)
            else:
                self._move(t, direction)
                spent = 0
                if iterations != max_iter:  # the last iteration moves only: the next step evaluates anyway
                    value, grad = evaluate()
                    loss, spent = float(value), 1
            evaluations += spent
            memory.evaluations += spent

            if (
                evaluations >= max_eval
                or np.abs(grad).max() <= tolerance_grad
                or np.abs(direction * t).max() <= tolerance_change
                or abs(loss - memory.loss) < tolerance_change
            ):
                break
        memory.store()
        return first_loss


class _Memory:
    """The curvature that was seen so far: pairs of moves s and changes of the gradient y."""

    def __init__(self, state: State, size: int) -> None:
        self.state, self.size = state, size
        self.evaluations: int = state.get("func_evals", 0)
        self.iterations: int = state.get("n_iter", 0)
        self.y = [_array(a) for a in state.get("old_dirs") or ()]
        self.s = [_array(a) for a in state.get("old_stps") or ()]
        self.rho = [float(a) for a in state.get("ro") or ()]
        self.scale = float(state.get("H_diag", 1.0))
        self.d: Array = _array(state.get("d"))
        self.t = float(state.get("t", 0.0))
        self.grad: Array = _array(state.get("prev_flat_grad"))
        self.loss = float(state.get("prev_loss", 0.0))

    def direction(self, grad: Array) -> Array:
        """Minus the approximate inverse Hessian times the gradient (the two loops), after taking in the last move."""
        if self.iterations == 1:
            self.y, self.s, self.rho, self.scale = [], [], [], 1.0
            return -grad
        y, s = grad - self.grad, self.d * self.t
        ys = float(y @ s)
        if ys > 1e-10:
            if len(self.y) == self.size:
                del self.y[0], self.s[0], self.rho[0]
            self.y.append(y)
            self.s.append(s)
            self.rho.append(float(y.dtype.type(1.0 / ys)))  # as precise as it will be saved
            self.scale = ys / float(y @ y)
        q = -grad
        alphas = [0.0] * len(self.y)
        for i in range(len(self.y) - 1, -1, -1):
            alphas[i] = float(self.s[i] @ q) * self.rho[i]
            q -= alphas[i] * self.y[i]
        q *= self.scale
        for i in range(len(self.y)):
            q += (alphas[i] - float(self.y[i] @ q) * self.rho[i]) * self.s[i]
        return q

    def store(self) -> None:
        """Write it into the optimizer's state, under PyTorch's names."""
        self.state.update(func_evals=self.evaluations, n_iter=self.iterations)
        if self.iterations:
            self.state.update(
                d=wrap(self.d),
                t=self.t,
                old_dirs=[wrap(a) for a in self.y],
                old_stps=[wrap(a) for a in self.s],
                ro=[wrap(np.array(r, self.d.dtype)) for r in self.rho],
                H_diag=self.scale,
                prev_flat_grad=wrap(self.grad),
                prev_loss=self.loss,
            )


def _array(x: Any) -> Array:
    return x.array if isinstance(x, Tensor) else x


# ------------------------------------------------------------------------------------------------- line search


@dataclass(slots=True)
class _Point:
    """Where the line search has been: the step, the loss there, its gradient, and its slope along the line."""

    t: float
    f: float
    g: Array
    slope: float


def strong_wolfe(
    probe: Callable[[float], _Point],
    t: float,
    start: _Point,
    longest: float,
    *,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
    max_ls: int = 25,
) -> tuple[_Point, int]:
    """A step of sufficient decrease, ``f <= f0 + c1 t f0'``, and small slope, ``|f'| <= -c2 f0'``.

    First steps grow until they bracket such a point, then the bracket is narrowed by cubic interpolation (Nocedal and
    Wright, algorithms 3.5 and 3.6, with Schmidt's safeguards in minFunc, which PyTorch follows).

    Returns
    -------
    (point, int)
        The best point found, and the number of evaluations.
    """

    def too_high(point: _Point) -> bool:
        return point.f > start.f + c1 * point.t * start.slope

    def flat(point: _Point) -> bool:
        return abs(point.slope) <= -c2 * start.slope

    new, previous = probe(t), start
    spent, rounds = 1, 0
    bracket = [start, new]  # what is left when the loop below runs out of rounds
    while rounds < max_ls:
        if too_high(new) or (rounds > 1 and new.f >= previous.f) or (new.slope >= 0 and not flat(new)):
            bracket = [previous, new]
            break
        if flat(new):
            return new, spent
        t = cubic_minimum(previous, new, (new.t + 0.01 * (new.t - previous.t), new.t * 10))
        previous, new = new, probe(t)
        spent, rounds = spent + 1, rounds + 1
        bracket = [start, new]

    low, high = sorted(bracket, key=lambda point: point.f)  # stable: of equal ones, the first
    stuck = False
    while rounds < max_ls:
        left, right = min(bracket[0].t, bracket[1].t), max(bracket[0].t, bracket[1].t)
        if (right - left) * longest < tolerance_change:
            break
        t = cubic_minimum(bracket[0], bracket[1])
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:  # close to an end: allowed once, then a tenth inwards
            if stuck or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        new = probe(t)
        spent, rounds = spent + 1, rounds + 1
        at_low, at_high = (0, 1) if low is bracket[0] else (1, 0)
        if too_high(new) or new.f >= low.f:
            bracket[at_high] = new
            low, high = (bracket[0], bracket[1]) if bracket[0].f <= bracket[1].f else (bracket[1], bracket[0])
            continue
        done = flat(new)
        if not done and new.slope * (high.t - low.t) >= 0:
            bracket[at_high] = high = low
        bracket[at_low] = low = new
        if done:
            break
    return low, spent


def cubic_minimum(a: _Point, b: _Point, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through two points with slopes is lowest, within bounds (default: between the points)."""
    low, high = bounds if bounds is not None else (min(a.t, b.t), max(a.t, b.t))
    if a.t > b.t:
        a, b = b, a
    d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    d2 = float(np.sqrt(square))
    bottom = b.slope - a.slope + 2 * d2
    if bottom == 0:
        return (low + high) / 2
    return min(max(b.t - (b.t - a.t) * ((b.slope + d2 - d1) / bottom), low), high)
