"""Reparametrised and implicit gradients of samples; log-determinants against Jacobians."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

import autograd_core as ac
from nn import distributions as D
from nn.distributions.sampling import gamma_gradient
from nn.distributions.utils import tril_matrix_to_vec


def t(x, grad=False):
    return ac.tensor(x, dtype=ac.float64, requires_grad=grad)


@pytest.mark.parametrize("a", [0.01, 0.1, 0.5, 1.0, 3.0, 50.0, 2000.0, 1e5])
def test_implicit_gamma_gradient_is_the_quantiles(a):
    """x(u; a) = P^-1(a, u), so dx/da at fixed u is a difference quotient of the quantile."""
    u = np.linspace(0.02, 0.98, 25)
    x = special.gammaincinv(a, u)
    ok = x > 1e-250
    h = 1e-4 * (a if a < 1 else a**0.5)
    quotient = sum(w * special.gammaincinv(a + k * h, u) for k, w in ((-2, 1), (-1, -8), (1, 8), (2, -1))) / (12 * h)
    # rounding: gammaincinv is good to 1e-13 or so of x, divided by the step
    tolerance = 1e-6 + 1e-12 * a / h
    np.testing.assert_allclose(gamma_gradient(a, x)[ok], quotient[ok], rtol=tolerance)


def test_gradient_reaches_both_parameters_of_gamma():
    ac.manual_seed(0)
    a, rate = t([0.5, 2.0, 7.0], True), t([1.0, 0.5, 3.0], True)
    x = D.Gamma(a, rate).rsample((4,))
    x.sum().backward()
    np.testing.assert_allclose(
        a.grad.numpy(), (gamma_gradient(a.array, x.array * rate.array) / rate.array).sum(0), rtol=1e-6
    )
    np.testing.assert_allclose(rate.grad.numpy(), (-x.array / rate.array).sum(0), rtol=1e-12)


# Of E[f(x)], whose derivative is known: (distribution of one parameter, its value, f, derivative of the mean of f)
EXPECTATIONS = {
    "Gamma": (lambda a: D.Gamma(a, t(2.0)), 1.7, lambda x: x.log(), lambda a: special.polygamma(1, a)),
    "Gamma small": (lambda a: D.Gamma(a, t(1.0)), 0.2, lambda x: x, lambda a: 1.0),
    "Chi2": (lambda a: D.Chi2(a), 3.0, lambda x: x, lambda a: 1.0),
    "Beta": (lambda a: D.Beta(a, t(2.0)), 1.5, lambda x: x, lambda a: 2.0 / (a + 2.0) ** 2),
    "Beta small": (lambda a: D.Beta(t(0.4), a), 0.3, lambda x: x, lambda a: -0.4 / (a + 0.4) ** 2),
    "Dirichlet": (
        lambda a: D.Dirichlet(ac.stack([a, t(1.0), t(2.5)])), 0.7, lambda x: x[..., 2], lambda a: -2.5 / (a + 3.5) ** 2,
    ),
    "StudentT": (
        lambda df: D.StudentT(df), 6.0, lambda x: (1 + x.square() / df_of["StudentT"]).log(),
        lambda df: df_slope(df),
    ),
    "InverseGamma": (lambda a: D.InverseGamma(a, t(1.0)), 4.0, lambda x: x, lambda a: -1 / (a - 1) ** 2),
    "FisherSnedecor": (lambda a: D.FisherSnedecor(t(5.0), a), 12.0, lambda x: x, lambda a: -2 / (a - 2) ** 2),
    "Normal": (lambda s: D.Normal(t(1.0), s), 0.7, lambda x: x.square(), lambda s: 2 * s),
    "Laplace": (lambda s: D.Laplace(t(1.0), s), 0.7, lambda x: (x - 1).square(), lambda s: 4 * s),
    "Weibull": (lambda s: D.Weibull(s, t(2.0)), 0.7, lambda x: x.square(), lambda s: 2 * s),
    "Uniform": (lambda h: D.Uniform(t(-1.0), h), 2.0, lambda x: x, lambda h: 0.5),
    "LogNormal": (lambda m: D.LogNormal(m, t(0.5)), 0.3, lambda x: x, lambda m: np.exp(m + 0.125)),
    "Gumbel": (lambda s: D.Gumbel(t(0.0), s), 0.7, lambda x: x, lambda s: 0.5772156649),
}  # fmt: skip
df_of = {"StudentT": 6.0}


def df_slope(df):
    """The derivative of E[log(1 + x^2 / c)] by df, where x is t-distributed and c is fixed, by quadrature."""
    from scipy import integrate, stats

    def mean(nu):
        return integrate.quad(lambda x: np.log(1 + x * x / 6.0) * stats.t(nu).pdf(x), -np.inf, np.inf)[0]

    return (mean(df + 1e-3) - mean(df - 1e-3)) / 2e-3


@pytest.mark.parametrize("name", EXPECTATIONS)
def test_pathwise_gradients_are_unbiased(name):
    make, value, f, slope = EXPECTATIONS[name]
    ac.manual_seed(4)
    n = 20_000
    parameter = t(np.full(n, value), True)
    if name == "Dirichlet":
        rest = [t(np.full(n, 1.0)), t(np.full(n, 2.5))]
        x = D.Dirichlet(ac.stack([parameter, *rest], -1)).rsample()
    else:
        x = make(parameter).rsample()
    assert bool(ac.isfinite(x).all())
    f(x).sum().backward()
    each = parameter.grad.numpy()
    assert np.isfinite(each).all()
    assert abs(each.mean() - slope(value)) < 5 * each.std() / n**0.5 + 1e-9  # five standard errors


def test_straight_through():
    ac.manual_seed(0)
    logits = t([0.1, 0.5, -0.2], True)
    x = D.OneHotCategoricalStraightThrough(logits=logits).rsample()
    assert sorted(x.detach().numpy().round(12).tolist()) == [0.0, 0.0, 1.0]
    (x * t([1.0, 2.0, 3.0])).sum().backward()
    other = t([0.1, 0.5, -0.2], True)
    (ac.softmax(other, -1) * t([1.0, 2.0, 3.0])).sum().backward()
    np.testing.assert_allclose(logits.grad.numpy(), other.grad.numpy())


def test_samples_without_gradients():
    loc = t(0.5, True)
    assert not D.Normal(loc, t(1.0)).sample().requires_grad
    assert D.Normal(loc, t(1.0)).rsample().requires_grad
    pair = ac.stack([loc, loc])
    counts = [D.Binomial(3, loc), D.NegativeBinomial(t(3.0), loc), D.Multinomial(3, pair), D.Poisson(loc)]
    for p in (*counts, D.Bernoulli(loc), D.Geometric(loc), D.Categorical(pair), D.VonMises(loc, loc)):
        assert not p.sample((2,)).requires_grad
        with pytest.raises(NotImplementedError, match=f"{type(p).__name__}.rsample"):
            p.rsample()


VECTORS = {
    "Exp": (D.ExpTransform(), 3, None),
    "Sigmoid": (D.SigmoidTransform(), 3, None),
    "Softplus": (D.SoftplusTransform(), 3, None),
    "Tanh": (D.TanhTransform(), 3, None),
    "Power": (D.PowerTransform(t(0.7)), 3, None),
    "Affine": (D.AffineTransform(1.0, -2.5), 3, None),
    "StickBreaking": (D.StickBreakingTransform(), 3, lambda y: y[:-1]),
    "CorrCholesky": (D.CorrCholeskyTransform(), 6, lambda y: tril_matrix_to_vec(y, -1)),
    "Compose": (D.ComposeTransform([D.AffineTransform(0.3, 0.5), D.StickBreakingTransform()]), 4, lambda y: y[:-1]),
    "Cat": (D.CatTransform([D.ExpTransform(), D.TanhTransform()], -1, [1, 2]), 3, None),
    "Stack": (D.StackTransform([D.ExpTransform(), D.TanhTransform()], -1), 2, None),
    "Inverse": (D.ExpTransform().inv, 3, None),
}


@pytest.mark.parametrize("name", VECTORS)
def test_log_determinants_against_jacobians(name):
    transform, n, free = VECTORS[name]
    x = np.random.default_rng(0).uniform(0.2, 1.2, n)

    def f(v):
        y = transform(v)
        return y if free is None else free(y)

    rows = []
    for i in range(n):
        v = t(x, True)
        f(v)[i].backward()
        rows.append(v.grad.numpy())
    expected = np.linalg.slogdet(np.array(rows))[1]
    value = transform.log_abs_det_jacobian(t(x), transform(t(x)))
    np.testing.assert_allclose(float(value.sum()), expected, rtol=1e-9)
