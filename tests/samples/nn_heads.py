"""Samples of fractional, power and inverse pooling, and of attention with several heads."""

from __future__ import annotations

import numpy as np

from tests.op_samples import S, distinct, resolve, t

F = "nn.functional."


def samples(*shape: int) -> t:
    return t(*shape, lo=0.0, hi=1.0, grad=False)


def fractional(rank: int, shape: tuple[int, ...], lead: tuple[int, ...], *args: object, **kwargs: object) -> object:
    name = f"{F}fractional_max_pool{rank}d"
    return S(
        lambda T, x, u: resolve(T, name)(x, *args, _random_samples=u, **kwargs), distinct(*shape), samples(*lead, rank),
        label=f"{name} {shape} {args} {kwargs}",
    )  # fmt: skip


def pooled_and_back(
    rank: int, shape: tuple[int, ...], kernel: int, stride: int, padding: int = 0, **kwargs: object
) -> object:
    def run(T, x):
        y, where = resolve(T, f"{F}max_pool{rank}d")(x, kernel, stride, padding, return_indices=True)
        return resolve(T, f"{F}max_unpool{rank}d")(y, where, kernel, stride, padding, **kwargs)

    return S(run, distinct(*shape), label=f"{F}max_unpool{rank}d {shape} {kernel} {stride} {padding} {kwargs}")


SAMPLES = [
    fractional(2, (2, 3, 7, 8), (2, 3), 2, (3, 4)),
    fractional(2, (3, 7, 8), (1, 3), (2, 3), output_ratio=(0.5, 0.5), return_indices=True),
    fractional(2, (2, 3, 7, 8), (2, 3), 3, output_ratio=(0.4, 0.6)),
    fractional(3, (2, 2, 5, 6, 7), (2, 2), 2, (2, 3, 3)),
    fractional(3, (0, 2, 5, 6, 7), (0, 2), 2, (2, 3, 3)),
    fractional(3, (2, 5, 6, 7), (1, 2), (1, 2, 3), output_ratio=(0.5, 0.6, 0.5), return_indices=True),
    S(
        lambda T, x: (T.manual_seed(4), resolve(T, F + "fractional_max_pool2d_with_indices")(x, 2, 3))[1],
        distinct(2, 3, 7, 7), label=F + "fractional_max_pool2d_with_indices random", parity=False,  # other random numbers
    ),
    S(
        lambda T, x: (T.manual_seed(4), resolve(T, F + "fractional_max_pool3d_with_indices")(x, 2, 2))[1],
        distinct(1, 2, 5, 5, 5), label=F + "fractional_max_pool3d_with_indices random", parity=False,  # other random numbers
    ),
    S(F + "lp_pool1d", t(2, 3, 7, lo=0.1, hi=2), 2, 3),
    S(F + "lp_pool1d", t(3, 7, lo=0.1, hi=2), 3.0, 2, stride=1, ceil_mode=True),
    S(F + "lp_pool2d", t(2, 3, 6, 7), 2, 2),
    S(F + "lp_pool2d", t(2, 3, 6, 7, lo=0.1, hi=2), 1.5, (2, 3), stride=(2, 1), ceil_mode=True),
    S(F + "lp_pool3d", t(1, 2, 4, 5, 6, lo=0.1, hi=2), 2, 2),
    S(F + "lp_pool3d", t(1, 2, 4, 5, 6, lo=0.1, hi=2), 3, (2, 1, 2), 1),
    pooled_and_back(1, (2, 3, 8), 2, 2),
    pooled_and_back(1, (3, 9), 2, 2, output_size=(9,)),
    pooled_and_back(2, (2, 3, 6, 8), 2, 2),
    pooled_and_back(2, (2, 3, 7, 9), 2, 2, output_size=(2, 3, 7, 9)),
    pooled_and_back(2, (2, 2, 8, 8), 3, 3, 1, output_size=(8, 8)),
    pooled_and_back(3, (1, 2, 4, 6, 4), 2, 2),
]  # fmt: skip

L, N, E, H, K = 3, 2, 6, 2, 4
NAME = F + "multi_head_attention_forward"


def heads(label: str, *tensors: t, batch: bool = True, **kwargs: object) -> object:
    """Query, key, value, in and out projections; further tensors by keyword names in ``also``."""
    also = kwargs.pop("also", ())

    def run(T, q, k, v, w, b, ow, ob, *rest):
        named = dict(zip(also, rest, strict=True))
        bias_k, bias_v = named.pop("bias_k", None), named.pop("bias_v", None)
        zero = kwargs.get("add_zero_attn", False)
        more = {n: x for n, x in kwargs.items() if n != "add_zero_attn"}
        if kwargs.get("need_weights") is None:
            more["need_weights"] = True
        if more.pop("same", False):
            k = v = q
        y, p = resolve(T, NAME)(q, k, v, E, H, w, b, bias_k, bias_v, zero, 0.0, ow, ob, **named, **more)
        return [y] if p is None else [y, p]

    s = (N, E) if batch else (E,)
    # without weights PyTorch takes its flash kernel, which has no second order
    check = "first" if kwargs.get("need_weights") is False else "second"
    return S(
        run,
        t(L, *s),
        t(K, *s),
        t(K, *s),
        t(3 * E, E),
        t(3 * E),
        t(E, E),
        t(E),
        *tensors,
        label=f"{NAME} {label}",
        check=check,
    )


def forbidden(*shape: int) -> t:
    def make(rng: np.random.Generator) -> np.ndarray:
        m = rng.random(shape) < 0.4
        m[..., 0] = False
        return m

    return t(*shape, dtype="bool", make=make, grad=False)


SAMPLES += [
    heads("plain"),
    heads("no weights", need_weights=False),
    heads("self", same=True),
    heads("self without weights", same=True, need_weights=False),
    heads("unbatched", batch=False),
    heads("unbatched padding", forbidden(K), also=("key_padding_mask",), batch=False),
    heads("weights of each head", average_attn_weights=False),
    heads("bool mask", forbidden(L, K), also=("attn_mask",)),
    heads("float mask", t(N * H, L, K), also=("attn_mask",)),
    heads("padding", forbidden(N, K), also=("key_padding_mask",)),
    heads(
        "padding and mask, no weights",
        forbidden(N, K),
        forbidden(L, K),
        also=("key_padding_mask", "attn_mask"),
        need_weights=False,
    ),
    heads(
        "bias_k, zero",
        t(1, 1, E),
        t(1, 1, E),
        forbidden(L, K),
        also=("bias_k", "bias_v", "attn_mask"),
        add_zero_attn=True,
    ),
    heads(
        "bias_k, padding",
        t(1, 1, E),
        t(1, 1, E),
        forbidden(N, K),
        also=("bias_k", "bias_v", "key_padding_mask"),
        need_weights=False,
    ),
]


def separate(T, q, k, v, wq, wk, wv, b, ow, ob):
    y, p = resolve(T, NAME)(
        q,
        k,
        v,
        E,
        H,
        None,
        b,
        None,
        None,
        False,
        0.0,
        ow,
        ob,
        use_separate_proj_weight=True,
        q_proj_weight=wq,
        k_proj_weight=wk,
        v_proj_weight=wv,
    )
    return [y, p]


SAMPLES.append(
    S(
        separate,
        t(L, N, E),
        t(K, N, 5),
        t(K, N, 3),
        t(E, E),
        t(E, 5),
        t(E, 3),
        t(3 * E),
        t(E, E),
        t(E),
        label=NAME + " separate projections",
    )
)
