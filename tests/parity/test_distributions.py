"""Every distribution against PyTorch's: shapes, moments, densities and their gradients, divergences, transforms."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import autograd_core as ac
from nn import distributions as ours

torch = pytest.importorskip("torch")
theirs = torch.distributions

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def double_by_default():
    """PyTorch's GeneralizedPareto and Multinomial make constants of the default type inside."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def real(*shape):
    return RNG.standard_normal(shape)


def positive(*shape):
    return RNG.uniform(0.5, 3.0, shape)


def unit(*shape):
    return RNG.uniform(0.1, 0.9, shape)


def simplex(*shape):
    p = RNG.uniform(0.2, 1.0, shape)
    return p / p.sum(-1, keepdims=True)


def spd(*shape):
    n = shape[-1]
    a = RNG.standard_normal((*shape, n))
    return a @ a.swapaxes(-1, -2) + n * np.eye(n)


def tril(*shape):
    return np.linalg.cholesky(spd(*shape))


# name, parameters (arrays become tensors), other arguments
CASES: list[tuple[str, dict, dict]] = [
    ("Bernoulli", {"probs": unit(2, 3)}, {}),
    ("Bernoulli", {"logits": real(3)}, {}),
    ("Beta", {"concentration1": positive(2, 3), "concentration0": positive(3)}, {}),
    ("Binomial", {"probs": unit(3)}, {"total_count": 7}),
    ("Binomial", {"logits": real(2, 3), "total_count": np.array([3.0, 5.0, 8.0])}, {}),
    ("Categorical", {"probs": simplex(2, 4)}, {}),
    ("Categorical", {"logits": real(4)}, {}),
    ("Cauchy", {"loc": real(3), "scale": positive(2, 3)}, {}),
    ("Chi2", {"df": positive(3)}, {}),
    ("ContinuousBernoulli", {"probs": np.array([0.1, 0.4995, 0.5, 0.7, 0.95])}, {}),
    ("ContinuousBernoulli", {"logits": real(2, 3)}, {}),
    ("Dirichlet", {"concentration": positive(2, 4)}, {}),
    ("Exponential", {"rate": positive(2, 3)}, {}),
    ("FisherSnedecor", {"df1": positive(3) + 2, "df2": positive(2, 3) * 4}, {}),
    ("Gamma", {"concentration": positive(2, 3), "rate": positive(3)}, {}),
    ("GeneralizedPareto", {"loc": real(4), "scale": positive(4), "concentration": np.array([-0.5, 0.0, 0.3, 1.5])}, {}),
    ("Geometric", {"probs": unit(3)}, {}),
    ("Geometric", {"logits": real(2, 2)}, {}),
    ("Gumbel", {"loc": real(3), "scale": positive(2, 3)}, {}),
    ("HalfCauchy", {"scale": positive(3)}, {}),
    ("HalfNormal", {"scale": positive(2, 3)}, {}),
    ("InverseGamma", {"concentration": positive(3) + 1.5, "rate": positive(3)}, {}),
    ("Kumaraswamy", {"concentration1": positive(3) + 1, "concentration0": positive(3) + 1}, {}),
    ("LKJCholesky", {"concentration": positive(3)}, {"dim": 3}),
    ("Laplace", {"loc": real(3), "scale": positive(2, 3)}, {}),
    ("LogNormal", {"loc": real(3), "scale": positive(2, 3) * 0.3}, {}),
    ("LogisticNormal", {"loc": real(2, 3), "scale": positive(2, 3)}, {}),
    ("LowRankMultivariateNormal", {"loc": real(2, 4), "cov_factor": real(2, 4, 2), "cov_diag": positive(2, 4)}, {}),
    ("LowRankMultivariateNormal", {"loc": real(5, 4), "cov_factor": real(4, 1), "cov_diag": positive(4)}, {}),
    ("Multinomial", {"probs": simplex(2, 3)}, {"total_count": 6}),
    ("Multinomial", {"logits": real(4)}, {"total_count": 3}),
    ("MultivariateNormal", {"loc": real(3), "covariance_matrix": spd(3)}, {}),
    ("MultivariateNormal", {"loc": real(2, 3), "scale_tril": tril(3)}, {}),
    ("MultivariateNormal", {"loc": real(3), "precision_matrix": spd(2, 3)}, {}),
    ("NegativeBinomial", {"total_count": positive(3) * 2, "probs": unit(3)}, {}),
    ("NegativeBinomial", {"total_count": positive(3) * 2, "logits": real(2, 3)}, {}),
    ("Normal", {"loc": real(3), "scale": positive(2, 3)}, {}),
    ("OneHotCategorical", {"probs": simplex(2, 4)}, {}),
    ("OneHotCategorical", {"logits": real(4)}, {}),
    ("OneHotCategoricalStraightThrough", {"probs": simplex(2, 4)}, {}),
    ("Pareto", {"scale": positive(3), "alpha": positive(3) + 2}, {}),
    ("Poisson", {"rate": positive(2, 3) * 3}, {}),
    ("RelaxedBernoulli", {"temperature": np.array(0.7), "probs": unit(3)}, {}),
    ("RelaxedBernoulli", {"temperature": np.array(1.3), "logits": real(2, 3)}, {}),
    ("RelaxedOneHotCategorical", {"temperature": np.array(0.7), "probs": simplex(2, 4)}, {}),
    ("RelaxedOneHotCategorical", {"temperature": np.array(1.5), "logits": real(4)}, {}),
    ("StudentT", {"df": positive(3) * 2, "loc": real(3), "scale": positive(2, 3)}, {}),
    ("Uniform", {"low": real(3) - 3, "high": positive(3)}, {}),
    ("VonMises", {"loc": real(3), "concentration": positive(2, 3)}, {}),
    ("Weibull", {"scale": positive(3), "concentration": positive(3) + 1}, {}),
    ("Wishart", {"df": positive(2) + 4, "covariance_matrix": spd(3)}, {}),
    ("Wishart", {"df": np.array(5.0), "scale_tril": tril(2, 3)}, {}),
    ("Wishart", {"df": np.array(4.5), "precision_matrix": spd(3)}, {}),
]


def label(case) -> str:
    return f"{case[0]}-{'-'.join(case[1])}"


def build(case, grad=True):
    name, arrays, rest = case
    a = {k: ac.tensor(v, dtype=ac.float64, requires_grad=grad) for k, v in arrays.items()}
    b = {k: torch.tensor(v, dtype=torch.float64, requires_grad=grad) for k, v in arrays.items()}
    return getattr(ours, name)(**a, **rest), getattr(theirs, name)(**b, **rest), a, b


def close(x, y, rtol=1e-9, atol=1e-10):
    np.testing.assert_allclose(x.detach().numpy(), y.detach().numpy(), rtol=rtol, atol=atol)


def value_of(q, shape=(5,)):
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return q.sample(shape)


def both(x):
    return ac.tensor(x.detach().numpy()), x.detach()


# PyTorch's Bessel functions are polynomials of seven digits.
LOOSE = {"VonMises": 1e-6}


@pytest.mark.parametrize("case", CASES, ids=label)
def test_shapes_repr_and_moments(case):
    p, q, _, _ = build(case)
    assert tuple(p.batch_shape) == tuple(q.batch_shape)
    assert tuple(p.event_shape) == tuple(q.event_shape)
    if not any(np.asarray(v).size == 1 for v in case[1].values()):
        assert repr(p) == repr(q).replace("torch.Size", "Size")
    assert p.has_rsample == q.has_rsample
    assert p.has_enumerate_support == q.has_enumerate_support
    for what in ("mean", "mode", "variance", "stddev"):
        try:
            expected = getattr(q, what)
        except NotImplementedError:
            with pytest.raises(NotImplementedError, match=f"{case[0]}.{'variance' if what == 'stddev' else what}"):
                getattr(p, what)
            continue
        close(getattr(p, what), expected, LOOSE.get(case[0], 1e-9))
    try:
        expected = q.entropy()
    except NotImplementedError:
        pass
    else:
        close(p.entropy(), expected)
        close(p.perplexity(), q.perplexity())


@pytest.mark.parametrize("case", CASES, ids=label)
def test_log_prob_and_its_gradient(case):
    p, q, a, b = build(case)
    x, y = both(value_of(q))
    ours_lp, theirs_lp = p.log_prob(x), q.log_prob(y)
    rtol = LOOSE.get(case[0], 1e-9)
    close(ours_lp, theirs_lp, rtol)
    weights = np.cos(np.arange(ours_lp.numel())).reshape(ours_lp.shape)
    (ours_lp * ac.tensor(weights)).sum().backward()
    (theirs_lp * torch.tensor(weights)).sum().backward()
    for name in a:
        if b[name].grad is not None:
            x, y = a[name].grad.array, b[name].grad.numpy()
            if case[0] == "Wishart" and name == "scale_tril":
                x, y = (
                    np.tril(x),
                    np.tril(y),
                )  # PyTorch's cholesky_solve gives gradients to the half that it does not read
            np.testing.assert_allclose(x, y, rtol=max(rtol, 1e-7), atol=max(1e-8, rtol))


@pytest.mark.parametrize("case", CASES, ids=label)
def test_cdf_and_icdf(case):
    p, q, _, _ = build(case, grad=False)
    x, y = both(value_of(q))
    try:
        expected = q.cdf(y)
    except NotImplementedError:
        expected = None
    if expected is not None:
        close(p.cdf(x), expected, 1e-7)
    u = unit(5, *q.batch_shape, *q.event_shape)
    try:
        expected = q.icdf(torch.tensor(u))
    except NotImplementedError:
        return
    close(p.icdf(ac.tensor(u)), expected)
    close(p.cdf(p.icdf(ac.tensor(u))), torch.tensor(u), 1e-7)


@pytest.mark.parametrize("case", CASES, ids=label)
def test_expand(case):
    p, q, _, _ = build(case, grad=False)
    shape = (4, 1, *p.batch_shape)
    p, q = p.expand(shape), q.expand(shape)
    assert tuple(p.batch_shape) == shape
    x, y = both(value_of(q, ()))
    close(p.log_prob(x), q.log_prob(y), LOOSE.get(case[0], 1e-9))
    sample = p.sample((2,))
    assert tuple(sample.shape) == (2, *shape, *p.event_shape)
    assert bool(p.support.check(sample).all())
    assert np.isfinite(p.log_prob(sample).detach().numpy()).all()


@pytest.mark.parametrize("case", [c for c in CASES if getattr(theirs, c[0]).has_enumerate_support], ids=label)
@pytest.mark.parametrize("expand", [True, False])
def test_enumerate_support(case, expand):
    p, q, _, _ = build(case, grad=False)
    try:
        expected = q.enumerate_support(expand)
    except NotImplementedError:
        with pytest.raises(NotImplementedError, match="different total counts"):
            p.enumerate_support(expand)
        return
    close(p.enumerate_support(expand), expected)


@pytest.mark.parametrize("case", CASES, ids=label)
def test_supports(case):
    p, q, _, _ = build(case, grad=False)
    assert p.support.event_dim == q.support.event_dim
    assert p.support.is_discrete == q.support.is_discrete
    for shape in ((7,),):
        values = real(*shape, *q.batch_shape, *q.event_shape) * 2
        np.testing.assert_array_equal(
            p.support.check(ac.tensor(values)).numpy(), q.support.check(torch.tensor(values)).numpy()
        )


# ------------------------------------------------------------------------------------------------- divergences

TURNED = {
    ("ContinuousBernoulli", "Uniform"),
    ("Uniform", "ContinuousBernoulli"),
}  # wrong in PyTorch: see tests/distributions
SINGLE = {
    "Bernoulli": {"probs": unit(3)},
    "Beta": {"concentration1": positive(3), "concentration0": positive(3)},
    "Binomial": {"total_count": np.array(4.0), "probs": unit(3)},
    "Categorical": {"logits": real(2, 3)},
    "Cauchy": {"loc": real(3), "scale": positive(3)},
    "ContinuousBernoulli": {"probs": unit(3)},
    "Dirichlet": {"concentration": positive(2, 3)},
    "Exponential": {"rate": positive(3)},
    "Gamma": {"concentration": positive(3), "rate": positive(3)},
    "Geometric": {"probs": unit(3)},
    "Gumbel": {"loc": real(3), "scale": positive(3)},
    "HalfNormal": {"scale": positive(3)},
    "Laplace": {"loc": real(3), "scale": positive(3)},
    "LogNormal": {"loc": real(3), "scale": positive(3)},
    "LowRankMultivariateNormal": {"loc": real(2, 3), "cov_factor": real(2, 3, 2), "cov_diag": positive(2, 3)},
    "MultivariateNormal": {"loc": real(2, 3), "covariance_matrix": spd(2, 3)},
    "Normal": {"loc": real(3), "scale": positive(3)},
    "OneHotCategorical": {"logits": real(2, 3)},
    "Pareto": {"scale": positive(3), "alpha": np.array([0.8, 1.7, 3.0])},
    "Poisson": {"rate": positive(3)},
    "Uniform": {"low": np.array([-0.5, 0.1, 1.2]), "high": np.array([0.7, 0.9, 4.0])},
    "Wishart": {"df": np.array(5.0), "covariance_matrix": spd(3)},
}


def other(params):
    """The same kind of parameters with other numbers."""
    changed = {}
    for key, value in params.items():
        if key in ("total_count", "covariance_matrix"):
            changed[key] = value * (1.0 if key == "total_count" else 1.7)
        elif key in ("probs", "low", "high"):
            changed[key] = value * 0.9
        else:
            changed[key] = value * 1.3 + 0.1
    return changed


@pytest.mark.parametrize("name_p", SINGLE)
@pytest.mark.parametrize("name_q", SINGLE)
def test_kl(name_p, name_q):
    a, b = (SINGLE[name_p], other(SINGLE[name_q]))
    p, q = build((name_p, a, {}), False)[:2]
    r, s = build((name_q, b, {}), False)[:2]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = theirs.kl_divergence(q, s)
    except NotImplementedError:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(NotImplementedError):
                ours.kl_divergence(p, r)
        return
    if (name_p, name_q) in TURNED:
        return
    close(ours.kl_divergence(p, r), expected, 1e-8)


def test_kl_of_wrapped():
    p, q = build(("Normal", {"loc": real(4, 3), "scale": positive(4, 3)}, {}), False)[:2]
    r, s = build(("Normal", {"loc": real(4, 3), "scale": positive(4, 3)}, {}), False)[:2]
    close(ours.kl_divergence(ours.Independent(p, 1), ours.Independent(r, 1)),
          theirs.kl_divergence(theirs.Independent(q, 1), theirs.Independent(s, 1)))  # fmt: skip


def test_registered_pairs_are_pytorchs():
    from torch.distributions.kl import _KL_REGISTRY

    from nn.distributions.kl import _REGISTRY

    def names(registry):
        return {(p.__name__, q.__name__) for p, q in registry if p.__module__.split(".")[0] in ("nn", "torch")}

    assert names(_REGISTRY) == names(_KL_REGISTRY)


# ------------------------------------------------------------------------------------------------- transforms

TRANSFORMS = {
    "Exp": (lambda m, t: m.ExpTransform(), real(3, 4)),
    "Power": (lambda m, t: m.PowerTransform(t(positive(4))), positive(3, 4)),
    "Sigmoid": (lambda m, t: m.SigmoidTransform(), real(3, 4)),
    "Softplus": (lambda m, t: m.SoftplusTransform(), real(3, 4)),
    "Tanh": (lambda m, t: m.TanhTransform(), real(3, 4)),
    "Abs": (lambda m, t: m.AbsTransform(), real(3, 4)),
    "Affine": (lambda m, t: m.AffineTransform(t(np.arange(4.0)), t(np.array([1.0, -2.0, 3.0, 0.5]))), real(3, 4)),
    "Affine of vectors": (lambda m, t: m.AffineTransform(1.0, -2.0, event_dim=1), real(3, 4)),
    "Compose": (lambda m, t: m.ComposeTransform([m.ExpTransform(), m.AffineTransform(1.0, 2.0)]), real(3, 4)),
    "Compose of vectors": (
        lambda m, t: m.ComposeTransform([m.AffineTransform(1.0, 2.0), m.StickBreakingTransform()]),
        real(3, 4),
    ),
    "Inverse": (lambda m, t: m.ExpTransform().inv, positive(3, 4)),
    "Independent": (lambda m, t: m.IndependentTransform(m.ExpTransform(), 1), real(3, 4)),
    "Reshape": (lambda m, t: m.ReshapeTransform((2, 2), (4,)), real(3, 2, 2)),
    "Softmax": (lambda m, t: m.SoftmaxTransform(), real(3, 4)),
    "StickBreaking": (lambda m, t: m.StickBreakingTransform(), real(3, 4)),
    "CorrCholesky": (lambda m, t: m.CorrCholeskyTransform(), real(3, 6) * 0.5),
    "LowerCholesky": (lambda m, t: m.LowerCholeskyTransform(), real(2, 3, 3)),
    "PositiveDefinite": (lambda m, t: m.PositiveDefiniteTransform(), real(2, 3, 3)),
    "CumulativeDistribution": (
        lambda m, t: m.CumulativeDistributionTransform(m.Normal(t(real()), t(positive()))),
        real(3),
    ),
    "Cat": (lambda m, t: m.CatTransform([m.ExpTransform(), m.TanhTransform()], dim=1, lengths=[1, 3]), real(3, 4)),
    "Stack": (lambda m, t: m.StackTransform([m.ExpTransform(), m.TanhTransform()], dim=-1), real(3, 2)),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(name):
    make, x = TRANSFORMS[name]
    state = np.random.default_rng(1).bit_generator.state
    RNG.bit_generator.state = state
    a = make(ours, lambda v: ac.tensor(v, dtype=ac.float64))
    RNG.bit_generator.state = state
    b = make(theirs, lambda v: torch.tensor(v, dtype=torch.float64))
    u, v = ac.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = a(u), b(v)
    close(y, z)
    close(a.inv(y.detach()), b.inv(z.detach()), 1e-7)
    assert a.bijective == b.bijective
    assert tuple(a.forward_shape(u.shape)) == tuple(b.forward_shape(v.shape)) == tuple(y.shape)
    assert tuple(a.inverse_shape(y.shape)) == tuple(b.inverse_shape(z.shape))
    assert a.domain.event_dim == b.domain.event_dim
    assert a.codomain.event_dim == b.codomain.event_dim
    try:
        expected = b.log_abs_det_jacobian(v, z)
    except NotImplementedError:
        with pytest.raises(NotImplementedError):
            a.log_abs_det_jacobian(u, y)
    else:
        close(a.log_abs_det_jacobian(u, y), expected, 1e-8)
    try:
        sign = b.sign
    except NotImplementedError:
        return
    np.testing.assert_array_equal(np.asarray(a.sign.numpy() if isinstance(a.sign, ac.Tensor) else a.sign),
                                  np.asarray(sign.numpy() if torch.is_tensor(sign) else sign))  # fmt: skip


@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
@pytest.mark.parametrize(
    "constraint",
    ["real", "positive", "nonnegative", "unit_interval", "simplex", "corr_cholesky", "lower_cholesky",
     "positive_definite", "positive_semidefinite", "real_vector", "boolean"],
)  # fmt: skip
def test_registries(registry, constraint):
    a, b = getattr(ours, registry), getattr(theirs, registry)
    try:
        t = b(getattr(theirs.constraints, constraint))
    except NotImplementedError:
        with pytest.raises(NotImplementedError, match="No transform is registered"):
            a(getattr(ours.constraints, constraint))
        return
    mine = a(getattr(ours.constraints, constraint))
    assert repr(mine) == repr(t) or constraint in ("positive", "nonnegative")  # exp, without PyTorch's times 1 plus 0
    x = real(2, 3, 3)
    close(mine(ac.tensor(x)), t(torch.tensor(x)))
    assert mine.codomain.event_dim == t.codomain.event_dim


def test_transformed_distributions():
    loc, scale = real(3), positive(3)
    results = []
    for m, t in ((ours, ac.tensor), (theirs, torch.tensor)):
        base = m.Normal(t(loc), t(scale))
        d = m.TransformedDistribution(base, [m.AffineTransform(1.0, -2.0), m.ExpTransform(), m.PowerTransform(t(0.5))])
        x = t(np.array([0.3, 0.8, 2.0]))
        results.append((d.log_prob(x), d.cdf(x), d.icdf(t(np.array([0.1, 0.5, 0.9]))), d.expand((2, 3)).log_prob(x)))
    for x, y in zip(*results):
        close(x, y)


def test_mixture():
    logits, loc, scale = real(2, 4), real(2, 4, 3), positive(2, 4, 3)
    results = []
    for m, t in ((ours, ac.tensor), (theirs, torch.tensor)):
        mixture = m.MixtureSameFamily(m.Categorical(logits=t(logits)), m.Independent(m.Normal(t(loc), t(scale)), 1))
        one = m.MixtureSameFamily(m.Categorical(logits=t(logits[0])), m.Normal(t(loc[0, :, 0]), t(scale[0, :, 0])))
        x = t(np.linspace(-1, 1, 30).reshape(5, 2, 3))
        results.append(
            (
                mixture.mean,
                mixture.variance,
                mixture.log_prob(x),
                one.cdf(x),
                one.log_prob(x),
                mixture.expand((3, 2)).log_prob(x[0]),
            )
        )
        assert tuple(mixture.sample((6, 2)).shape) == (6, 2, 2, 3)
    for x, y in zip(*results):
        close(x, y)


# ------------------------------------------------------------------------------------------------- constraints


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in theirs.constraints.__all__
        if isinstance(getattr(theirs.constraints, n), theirs.constraints.Constraint)
    ],
)
def test_constraints(name):
    a, b = getattr(ours.constraints, name), getattr(theirs.constraints, name)
    if name in ("dependent",):
        assert ours.constraints.is_dependent(a)
        return
    assert repr(a) == repr(b)
    assert a.is_discrete == b.is_discrete
    assert a.event_dim == b.event_dim
    values = [real(4, 3, 3), np.round(real(4, 3, 3)), positive(4, 3, 3), np.eye(3)[None].repeat(4, 0), spd(4, 3),
              tril(4, 3), simplex(4, 3, 3), np.full((4, 3, 3), np.nan)]  # fmt: skip
    for v in values:
        if np.isnan(v).any() and name in ("positive_semidefinite", "positive_definite"):
            continue
        np.testing.assert_array_equal(a.check(ac.tensor(v)).numpy(), b.check(torch.tensor(v)).numpy(), err_msg=name)


def test_every_name_is_there():
    for name in theirs.__all__:
        assert hasattr(ours, name), name
    for name in theirs.transforms.__all__:
        assert hasattr(ours.transforms, name), name
    for name in theirs.constraints.__all__:
        assert hasattr(ours.constraints, name), name


# ------------------------------------------------------------------------------------------------- implicit gradients


@pytest.mark.parametrize("concentration", [0.05, 0.3, 1.0, 2.5, 30.0, 1e4])
def test_gradient_of_gamma_samples(concentration):
    """PyTorch's approximation of the same derivative is good to about a thousandth."""
    from nn.distributions.sampling import gamma_gradient

    torch.manual_seed(0)
    a = torch.full((200,), concentration, dtype=torch.float64)
    x = torch._standard_gamma(a).clamp(min=1e-300)
    np.testing.assert_allclose(
        gamma_gradient(a.numpy(), x.numpy()), torch._standard_gamma_grad(a, x).numpy(), rtol=5e-3
    )
