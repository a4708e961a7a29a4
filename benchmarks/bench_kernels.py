"""Each kernel beside PyTorch's (when it is installed) and beside its own NumPy twin, interleaved in one process.

    python benchmarks/bench_kernels.py [--only softmax,pool] [--rounds 30] [--threads 2]

A row gives PyTorch's time over ours (above 1: ours is quicker) and the twin's time over ours. Medians of interleaved
rounds; on a shared machine read the ratios, not the microseconds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from autograd_core.kernels import runtime

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    torch = None  # type: ignore[assignment]

rng = np.random.default_rng(0)


class Case(NamedTuple):
    family: str
    label: str
    ours: Callable[[], Any]
    peer: Callable[[], Any] | None  # None without PyTorch


def randn(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape, dtype=np.float32)


def case(family: str, label: str, ours: Callable[[], Any], peer: Callable[[], Any]) -> Case:
    return Case(family, label, ours, peer if torch is not None else None)


def tensor(x: np.ndarray, grad: bool = False) -> Any:
    return None if torch is None else torch.from_numpy(x).requires_grad_(grad)


def gradient(y: Any, inputs: Any, g: Any) -> Callable[[], Any]:
    """PyTorch's backward pass of `y` alone, repeatable."""
    return lambda: torch.autograd.grad(y, inputs, g, retain_graph=True)


def softmax_cases() -> Iterator[Case]:
    from autograd_core.kernels import softmax as k

    for shape, axis in (((4096, 1024), -1), ((768, 65), -1), ((32, 64, 28 * 28), 1)):
        x, g = randn(*shape), randn(*shape)
        y, z = k.softmax(x, axis), k.log_softmax(x, axis)
        tx, tg = tensor(x, True), tensor(g)
        for name, forward, backward, out in (
            ("softmax", k.softmax, k.softmax_backward, y),
            ("log_softmax", k.log_softmax, k.log_softmax_backward, z),
        ):
            yield case(
                "softmax",
                f"{name} {shape} axis {axis}",
                lambda f=forward, x=x, a=axis: f(x, a),
                lambda n=name, x=tx, a=axis: getattr(F, n)(x.detach(), a),
            )
            peer = gradient(getattr(F, name)(tx, axis), tx, tg) if torch is not None else None
            yield Case(
                "softmax",
                f"{name} backward {shape} axis {axis}",
                lambda f=backward, g=g, y=out, a=axis: f(g, y, a),
                peer,
            )


def optim_cases() -> Iterator[Case]:
    from autograd_core.kernels import optim as k

    def adam(count: int, size: int, fused: bool) -> Case:
        params, grads = [randn(size) for _ in range(count)], [randn(size) for _ in range(count)]
        means, squares, plan = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params], k.Plan()
        plan.work = 10**9  # as after some steps
        peer = None
        if torch is not None:
            leaves = [torch.from_numpy(p.copy()).requires_grad_() for p in params]
            for leaf, grad in zip(leaves, grads, strict=True):
                leaf.grad = torch.from_numpy(grad)
            peer = torch.optim.Adam(leaves, fused=fused).step
        return Case(
            "optim",
            f"adam {count} x {size:,}, peer {'fused' if fused else 'default'}",
            lambda: k.adam(params, grads, means, squares, step=1, plan=plan),
            peer,
        )

    for count, size in ((6, 3000), (200, 1000), (1, 10_000_000)):
        yield adam(count, size, False)
        yield adam(count, size, True)


def loss_cases() -> Iterator[Case]:
    from autograd_core.kernels import loss as k

    for rows, classes in ((64, 10), (128, 10), (768, 65), (4096, 1000)):
        x, t = randn(rows, classes), rng.integers(0, classes, rows)
        _loss, lse, total = k.cross_entropy(x, t)
        tx, tt = tensor(x, True), tensor(t)
        yield case(
            "loss",
            f"cross_entropy {(rows, classes)}",
            lambda x=x, t=t: k.cross_entropy(x, t),
            lambda x=tx, t=tt: F.cross_entropy(x.detach(), t),
        )
        peer = gradient(F.cross_entropy(tx, tt), tx, torch.ones(())) if torch is not None else None
        yield Case(
            "loss",
            f"cross_entropy backward {(rows, classes)}",
            lambda x=x, t=t, s=lse, n=total: k.cross_entropy_backward(np.ones((), np.float32), x, t, s, n),
            peer,
        )


def pooling_cases() -> Iterator[Case]:
    from autograd_core.kernels import pooling as k

    for shape in ((64, 6, 28, 28), (64, 64, 24, 24), (16, 64, 112, 112)):
        x = randn(*shape)
        tx = tensor(x, True)
        for kernel, stride, padding in ((2, 2, 0), (3, 2, 1)):
            label, pair = f"{shape} {kernel}x{kernel} stride {stride}", (kernel, kernel)
            y, indices = k.max_pool(x, pair, stride, padding)
            g = randn(*y.shape)
            yield case(
                "pooling",
                f"max_pool {label}",
                lambda x=x, a=(pair, stride, padding): k.max_pool(x, *a),
                lambda x=tx, a=(kernel, stride, padding): F.max_pool2d(x.detach(), *a),
            )
            peer = gradient(F.max_pool2d(tx, kernel, stride, padding), tx, tensor(g)) if torch is not None else None
            yield Case(
                "pooling",
                f"max_pool backward {label}",
                lambda g=g, i=indices, s=shape: k.max_pool_backward(g, i, s, 2),
                peer,
            )
            yield case(
                "pooling",
                f"avg_pool {label}",
                lambda x=x, a=(pair, stride, padding): k.avg_pool(x, *a),
                lambda x=tx, a=(kernel, stride, padding): F.avg_pool2d(x.detach(), *a),
            )
            peer = gradient(F.avg_pool2d(tx, kernel, stride, padding), tx, tensor(g)) if torch is not None else None
            yield Case(
                "pooling",
                f"avg_pool backward {label}",
                lambda g=g, s=shape, a=(pair, stride, padding): k.avg_pool_backward(g, s, *a),
                peer,
            )
        peer = (lambda x=tx: F.adaptive_avg_pool2d(x.detach(), 1)) if torch is not None else None
        yield Case("pooling", f"adaptive_avg_pool {shape} to 1x1", lambda x=x: k.adaptive_avg_pool(x, (1, 1)), peer)


def norm_cases() -> Iterator[Case]:
    from autograd_core.kernels import norm as k

    for shape in ((128, 256), (32, 64, 16, 16), (16, 64, 56, 56)):
        x, g, w, b = randn(*shape), randn(*shape), randn(shape[1]), randn(shape[1])
        _, mean, _, invstd = k.batch_norm(x, w, b, 1e-5)
        tx, tw, tb, tg = tensor(x, True), tensor(w, True), tensor(b, True), tensor(g)
        yield case(
            "norm",
            f"batch_norm {shape}",
            lambda x=x, w=w, b=b: k.batch_norm(x, w, b, 1e-5),
            lambda x=tx, w=tw, b=tb: F.batch_norm(x.detach(), None, None, w.detach(), b.detach(), True),
        )
        out = F.batch_norm(tx, None, None, tw, tb, True) if torch is not None else None
        yield Case(
            "norm",
            f"batch_norm backward {shape}",
            lambda g=g, x=x, m=mean, i=invstd, w=w: k.batch_norm_backward(g, x, m, i, w),
            gradient(out, (tx, tw, tb), tg) if torch is not None else None,
        )
    for shape in ((768, 128), (4096, 768)):
        x, g, w, b = randn(*shape), randn(*shape), randn(shape[1]), randn(shape[1])
        _, mean, rstd = k.layer_norm(x, 1, w, b, 1e-5)
        tx, tw, tb, tg = tensor(x, True), tensor(w, True), tensor(b, True), tensor(g)
        yield case(
            "norm",
            f"layer_norm {shape}",
            lambda x=x, w=w, b=b: k.layer_norm(x, 1, w, b, 1e-5),
            lambda x=tx, w=tw, b=tb: F.layer_norm(x.detach(), x.shape[1:], w.detach(), b.detach()),
        )
        out = F.layer_norm(tx, tx.shape[1:], tw, tb) if torch is not None else None
        yield Case(
            "norm",
            f"layer_norm backward {shape}",
            lambda g=g, x=x, m=mean, r=rstd, w=w: k.layer_norm_backward(g, x, m, r, w, 1),
            gradient(out, (tx, tw, tb), tg) if torch is not None else None,
        )
    shape = (16, 64, 32, 32)
    x, g, w, b = randn(*shape), randn(*shape), randn(64), randn(64)
    _y, mean, rstd = k.group_norm(x, 8, w, b, 1e-5)
    tx, tw, tb, tg = tensor(x, True), tensor(w, True), tensor(b, True), tensor(g)
    yield case(
        "norm",
        f"group_norm {shape}",
        lambda: k.group_norm(x, 8, w, b, 1e-5),
        lambda: F.group_norm(tx.detach(), 8, tw.detach(), tb.detach()),
    )
    out = F.group_norm(tx, 8, tw, tb) if torch is not None else None
    yield Case(
        "norm",
        f"group_norm backward {shape}",
        lambda: k.group_norm_backward(g, x, mean, rstd, w, 8),
        gradient(out, (tx, tw, tb), tg) if torch is not None else None,
    )


def activation_cases() -> Iterator[Case]:
    from autograd_core.kernels import activation as k

    peers = {
        "relu": lambda x: F.relu(x),
        "sigmoid": lambda x: torch.sigmoid(x),
        "tanh": lambda x: torch.tanh(x),
        "silu": lambda x: F.silu(x),
        "gelu": lambda x: F.gelu(x),
        "softplus": lambda x: F.softplus(x),
        "elu": lambda x: F.elu(x),
    }
    for shape in ((768, 512), (4096, 1024)):
        x, g = randn(*shape), randn(*shape)
        tx, tg = tensor(x, True), tensor(g)
        for name, peer in peers.items():
            forward, backward = getattr(k, name), getattr(k, name + "_backward")
            saved = forward(x) if name in ("relu", "sigmoid", "tanh") else x
            yield case("activation", f"{name} {shape}", lambda f=forward, x=x: f(x), lambda p=peer, x=tx: p(x.detach()))
            yield Case(
                "activation",
                f"{name} backward {shape}",
                lambda f=backward, g=g, s=saved: f(g, s),
                gradient(peer(tx), tx, tg) if torch is not None else None,
            )


def attention_cases() -> Iterator[Case]:
    from autograd_core.kernels import attention as k

    for shape in ((12, 4, 64, 32), (4, 8, 256, 64), (1, 4, 2048, 64)):
        for causal in (False, True):
            q, key, v, g = (randn(*shape) for _ in range(4))
            y, lse = k.attention(q, key, v, None, causal)
            tensors, tg = [tensor(a, True) for a in (q, key, v)], tensor(g)
            label = f"{shape}{' causal' if causal else ''}"
            yield case(
                "attention",
                f"attention {label}",
                lambda a=(q, key, v), c=causal: k.attention(*a, None, c),
                lambda t=tensors, c=causal: F.scaled_dot_product_attention(*[a.detach() for a in t], is_causal=c),
            )
            out = F.scaled_dot_product_attention(*tensors, is_causal=causal) if torch is not None else None
            yield Case(
                "attention",
                f"attention backward {label}",
                lambda a=(g, q, key, v, y, lse), c=causal: k.attention_backward(*a, None, c),
                gradient(out, tensors, tg) if torch is not None else None,
            )


def rnn_cases() -> Iterator[Case]:
    from autograd_core.kernels import rnn as k

    def forward(x: np.ndarray, wi: np.ndarray, run: Callable[[np.ndarray], Any]) -> Callable[[], Any]:
        return lambda: run(np.matmul(x.reshape(-1, x.shape[-1]), wi.T).reshape(*x.shape[:2], -1))

    for t, b, i, h in ((32, 32, 64, 128), (100, 16, 256, 256)):
        x, h0, gy = randn(t, b, i), np.zeros((b, h), np.float32), randn(t, b, h)
        for name, gates in (("lstm", 4), ("gru", 3)):
            wi, w, bias = randn(gates * h, i) / 10, randn(gates * h, h) / 10, randn(gates * h)
            peer = backward_peer = None
            if torch is not None:
                module = getattr(torch.nn, name.upper())(i, h)
                tx = torch.from_numpy(x)
                peer = lambda m=module, x=tx: _quiet(m, x)
                leaves = list(module.parameters())
                backward_peer = gradient(module(tx)[0], leaves, torch.from_numpy(gy))
            if name == "lstm":
                yield Case(
                    "rnn", f"lstm {(t, b, i, h)}", forward(x, wi, lambda xp, w=w, h0=h0: k.lstm(xp, w, h0, h0)), peer
                )
                y, cells, saved = k.lstm(np.matmul(x, wi.T), w, h0, h0)

                def backward(a: Any = (gy, h0, y, cells, saved, w, h0, h0), x: np.ndarray = x) -> Any:
                    gxp = k.lstm_backward(*a)[0]
                    return np.matmul(gxp.reshape(-1, gxp.shape[-1]).T, x.reshape(-1, x.shape[-1]))
            else:
                yield Case(
                    "rnn",
                    f"gru {(t, b, i, h)}",
                    forward(x, wi, lambda xp, w=w, b=bias, h0=h0: k.gru(xp, w, b, h0)),
                    peer,
                )
                y, saved = k.gru(np.matmul(x, wi.T), w, bias, h0)

                def backward(a: Any = (gy, y, saved, w, h0), x: np.ndarray = x) -> Any:
                    gxp = k.gru_backward(*a)[0]
                    return np.matmul(gxp.reshape(-1, gxp.shape[-1]).T, x.reshape(-1, x.shape[-1]))

            yield Case("rnn", f"{name} backward {(t, b, i, h)}", backward, backward_peer)


def _quiet(module: Any, x: Any) -> Any:
    with torch.no_grad():
        return module(x)


def indexing_cases() -> Iterator[Case]:
    from autograd_core.kernels import dropout as d
    from autograd_core.kernels import indexing as k

    for rows, width, count in ((65, 128, 768), (30_000, 256, 4096)):
        weight, index = randn(rows, width), rng.integers(0, rows, count)
        g = randn(count, width)
        tw, ti = tensor(weight, True), tensor(index)
        yield case(
            "indexing",
            f"embedding {(rows, width)} of {count}",
            lambda w=weight, i=index: k.take_rows(w, i),
            lambda w=tw, i=ti: F.embedding(i, w.detach()),
        )
        peer = gradient(F.embedding(ti, tw), tw, tensor(g)) if torch is not None else None
        yield Case(
            "indexing",
            f"embedding backward {(rows, width)} of {count}",
            lambda g=g, i=index, n=rows: k.embedding_backward(g, i, n),
            peer,
        )
    out, index, values = np.zeros(100_000, np.float32), rng.integers(0, 100_000, 200_000), randn(200_000)
    to, ti, tv = tensor(out.copy()), tensor(index), tensor(values)
    yield case(
        "indexing",
        "add_at 200,000 into 100,000",
        lambda: k.add_at(out, index, values),
        lambda: to.index_put_((ti,), tv, accumulate=True),
    )
    for size in (98_304, 4_194_304):
        x = randn(size)
        tx = tensor(x)
        yield case("indexing", f"dropout {size:,}", lambda x=x: d.dropout(x, 0.1, rng), lambda x=tx: F.dropout(x, 0.1))


FAMILIES = {
    "rnn": rnn_cases,
    "indexing": indexing_cases,
    "attention": attention_cases,
    "activation": activation_cases,
    "norm": norm_cases,
    "optim": optim_cases,
    "softmax": softmax_cases,
    "loss": loss_cases,
    "pooling": pooling_cases,
}


def measure(calls: list[Callable[[], Any]], rounds: int) -> list[float]:
    """Median seconds of each call; the calls take turns, and quick ones are repeated within a turn."""
    repeats = []
    for call in calls:
        call()
        begin = time.perf_counter()
        call()
        repeats.append(max(1, min(200, int(2e-3 / max(1e-7, time.perf_counter() - begin)))))
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, repeat, taken in zip(calls, repeats, times, strict=True):
            time.sleep(0.01)  # OpenMP's threads spin for a while after their last region: not on our account
            call()
            begin = time.perf_counter()
            for _ in range(repeat):
                call()
            taken.append((time.perf_counter() - begin) / repeat)
    return [statistics.median(t) for t in times]


def without_numba(call: Callable[[], Any]) -> Callable[[], Any]:
    def twin() -> Any:
        saved = runtime.native
        runtime.native = lambda name: None  # type: ignore[assignment]
        try:
            return call()
        finally:
            runtime.native = saved  # type: ignore[assignment]

    return twin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(FAMILIES), help="families, by comma: " + " ".join(FAMILIES))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=runtime.get_num_threads())
    parser.add_argument("--twin", action="store_true", help="time the NumPy twins too")
    arguments = parser.parse_args()
    runtime.set_num_threads(arguments.threads)
    if torch is not None:
        torch.set_num_threads(arguments.threads)
    for name in arguments.only.split(","):
        for row in FAMILIES[name]():
            calls = [row.ours]
            if row.peer is not None:
                calls.append(row.peer)
            if arguments.twin:
                calls.append(without_numba(row.ours))
            ours, *others = measure(calls, arguments.rounds)
            text = f"{row.label:58s} {ours * 1e6:10.1f} us"
            if row.peer is not None:
                text += f"   torch/ours {others[0] / ours:6.2f}"
            if arguments.twin:
                text += f"   twin/ours {others[-1] / ours:6.2f}"
            print(text, flush=True)


if __name__ == "__main__":
    main()
