"""Densities, cdfs and moments against SciPy's; samples against the densities they should follow."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

import autograd_core as ac
from nn import distributions as D


def t(x):
    return ac.tensor(x, dtype=ac.float64)


# name -> (distribution, SciPy's frozen one)
CONTINUOUS = {
    "Beta": (D.Beta(t(2.5), t(1.2)), stats.beta(2.5, 1.2)),
    "Cauchy": (D.Cauchy(t(0.5), t(2.0)), stats.cauchy(0.5, 2.0)),
    "Chi2": (D.Chi2(t(3.5)), stats.chi2(3.5)),
    "Exponential": (D.Exponential(t(2.5)), stats.expon(scale=1 / 2.5)),
    "FisherSnedecor": (D.FisherSnedecor(t(5.0), t(7.0)), stats.f(5.0, 7.0)),
    "Gamma": (D.Gamma(t(0.7), t(2.0)), stats.gamma(0.7, scale=0.5)),
    "GeneralizedPareto": (D.GeneralizedPareto(t(1.0), t(2.0), t(0.2)), stats.genpareto(0.2, 1.0, 2.0)),
    "GeneralizedPareto 0": (D.GeneralizedPareto(t(1.0), t(2.0), t(0.0)), stats.expon(1.0, 2.0)),
    "Gumbel": (D.Gumbel(t(-1.0), t(2.0)), stats.gumbel_r(-1.0, 2.0)),
    "HalfCauchy": (D.HalfCauchy(t(2.0)), stats.halfcauchy(scale=2.0)),
    "HalfNormal": (D.HalfNormal(t(2.0)), stats.halfnorm(scale=2.0)),
    "InverseGamma": (D.InverseGamma(t(3.5), t(2.0)), stats.invgamma(3.5, scale=2.0)),
    "Laplace": (D.Laplace(t(0.3), t(1.5)), stats.laplace(0.3, 1.5)),
    "LogNormal": (D.LogNormal(t(0.3), t(0.5)), stats.lognorm(0.5, scale=math.exp(0.3))),
    "Normal": (D.Normal(t(0.3), t(1.5)), stats.norm(0.3, 1.5)),
    "Pareto": (D.Pareto(t(1.5), t(4.0)), stats.pareto(4.0, scale=1.5)),
    "StudentT": (D.StudentT(t(4.5), t(0.3), t(1.5)), stats.t(4.5, 0.3, 1.5)),
    "Uniform": (D.Uniform(t(-1.0), t(2.0)), stats.uniform(-1.0, 3.0)),
    "VonMises": (D.VonMises(t(0.5), t(2.5)), stats.vonmises(2.5, 0.5)),
    "VonMises sharp": (D.VonMises(t(0.5), t(800.0)), stats.vonmises(800.0, 0.5)),
    "Weibull": (D.Weibull(t(2.0), t(1.5)), stats.weibull_min(1.5, scale=2.0)),
}
DISCRETE = {
    "Bernoulli": (D.Bernoulli(t(0.3)), stats.bernoulli(0.3)),
    "Binomial": (D.Binomial(9, t(0.3)), stats.binom(9, 0.3)),
    "Geometric": (D.Geometric(t(0.3)), stats.geom(0.3, -1)),
    "NegativeBinomial": (D.NegativeBinomial(t(3.5), t(0.4)), stats.nbinom(3.5, 0.6)),
    "Poisson": (D.Poisson(t(4.2)), stats.poisson(4.2)),
}
ALL = {**CONTINUOUS, **DISCRETE}


@pytest.mark.parametrize("name", ALL)
def test_against_scipy(name):
    p, q = ALL[name]
    x = q.rvs(50, random_state=0).astype(float)
    expected = q.logpdf(x) if name in CONTINUOUS else q.logpmf(x)
    np.testing.assert_allclose(p.log_prob(t(x)).numpy(), expected, rtol=1e-9, atol=1e-12)
    if "VonMises" not in name:  # its variance is the circular one
        mean, variance = q.stats("mv")
        if np.isfinite(mean):
            np.testing.assert_allclose(p.mean.numpy(), mean, rtol=1e-9)
        if np.isfinite(variance):
            np.testing.assert_allclose(p.variance.numpy(), variance, rtol=1e-9)
    for ours, theirs, where in (("cdf", "cdf", x), ("icdf", "ppf", np.linspace(0.01, 0.99, 20))):
        try:
            value = getattr(p, ours)(t(where))
        except NotImplementedError:
            continue
        np.testing.assert_allclose(value.numpy(), getattr(q, theirs)(where), rtol=1e-7, atol=1e-10)
    try:
        entropy = p.entropy()
    except NotImplementedError:
        return
    np.testing.assert_allclose(entropy.numpy(), q.entropy(), rtol=1e-6)


# The probability that a correct sampler fails one of these is 1e-4 for a seed chosen without looking.
LEVEL = 1e-4


@pytest.mark.parametrize("name", CONTINUOUS)
@pytest.mark.parametrize("dtype", [ac.float32, ac.float64])
def test_samples_follow_the_density(name, dtype):
    ac.manual_seed(1)
    p, q = CONTINUOUS[name]
    if dtype is ac.float32:
        if name in ("GeneralizedPareto 0", "VonMises sharp"):
            return
        params = {k: getattr(p, k).float() for k in p.arg_constraints}
        p = type(p)(**params)
    x = p.sample((4000,))
    assert x.dtype is dtype
    assert not x.requires_grad
    assert stats.kstest(x.numpy().astype(float), q.cdf).pvalue > LEVEL


@pytest.mark.parametrize("name", DISCRETE)
def test_counts_follow_the_probabilities(name):
    ac.manual_seed(1)
    p, q = DISCRETE[name]
    x = p.sample((5000,)).numpy()
    counts = np.bincount(x.astype(int), minlength=2)
    expected = q.pmf(np.arange(len(counts))) * len(x)
    keep = expected > 5
    rest = len(x) - expected[keep].sum()
    chi2 = ((counts[keep] - expected[keep]) ** 2 / expected[keep]).sum()
    if rest > 5:
        chi2 += (counts[~keep].sum() - rest) ** 2 / rest
    assert stats.chi2.sf(chi2, keep.sum()) > LEVEL


BATCHES = {
    "Categorical": lambda: D.Categorical(t([[0.1, 0.6, 0.3], [0.0, 0.5, 0.5]])),
    "OneHotCategorical": lambda: D.OneHotCategorical(t([[0.1, 0.6, 0.3], [0.0, 0.5, 0.5]])),
    "Multinomial": lambda: D.Multinomial(5, t([[0.1, 0.6, 0.3], [0.2, 0.3, 0.5]])),
    "Dirichlet": lambda: D.Dirichlet(t([[0.5, 1.0, 3.0], [2.0, 2.0, 0.1]])),
    "MultivariateNormal": lambda: D.MultivariateNormal(t([1.0, -1.0]), t([[2.0, 0.5], [0.5, 1.0]])),
    "LowRank": lambda: D.LowRankMultivariateNormal(t([1.0, -1.0]), t([[2.0], [0.5]]), t([0.3, 1.0])),
    "Wishart": lambda: D.Wishart(t(5.0), t([[2.0, 0.5], [0.5, 1.0]])),
    "Kumaraswamy": lambda: D.Kumaraswamy(t([0.7, 2.0]), t([1.5, 3.0])),
    "ContinuousBernoulli": lambda: D.ContinuousBernoulli(t([0.2, 0.5, 0.9])),
    "Mixture": lambda: D.MixtureSameFamily(D.Categorical(t([0.2, 0.8])), D.Normal(t([-2.0, 1.0]), t([0.5, 1.0]))),
    "Independent": lambda: D.Independent(D.Normal(t([1.0, 2.0]), t([0.5, 3.0])), 1),
    "Beta small": lambda: D.Beta(t([0.01, 0.3]), t([0.02, 5.0])),
}


@pytest.mark.parametrize("name", BATCHES)
def test_moments_of_samples(name):
    ac.manual_seed(2)
    p = BATCHES[name]()
    n = 20_000
    x = p.sample((n,))
    assert tuple(x.shape) == (n, *p.batch_shape, *p.event_shape)
    assert bool(p.support.check(x).all())
    if name == "Categorical":
        np.testing.assert_allclose(
            (x.numpy()[..., None] == np.arange(3)).mean(0), p.probs.numpy(), atol=5 * 0.5 / n**0.5
        )
        assert (x.numpy()[:, 1] != 0).all()
        return
    # five standard errors; those of the variance from the sample's fourth moment
    mean, variance = p.mean.numpy(), p.variance.numpy()
    np.testing.assert_array_less(np.abs(x.numpy().mean(0) - mean), 5 * np.sqrt(variance / n) + 1e-12)
    squares = (x.numpy() - mean) ** 2
    np.testing.assert_array_less(np.abs(squares.mean(0) - variance), 5 * squares.std(0) / n**0.5 + 1e-12)


def test_lkj_gives_correlations():
    ac.manual_seed(3)
    p = D.LKJCholesky(4, t(1.5))
    x = p.sample((5000,))
    assert bool(p.support.check(x).all())
    r = (x @ x.mT).numpy()
    # each correlation is 2 Beta(b, b) - 1 with b = concentration - 1 + dim / 2
    for i, j in ((1, 0), (2, 0), (2, 1), (3, 0), (3, 2)):
        assert stats.kstest((r[:, i, j] + 1) / 2, stats.beta(2.5, 2.5).cdf).pvalue > LEVEL


@pytest.mark.parametrize(
    "p",
    [D.ContinuousBernoulli(t(0.2)), D.ContinuousBernoulli(t(0.5)), D.Kumaraswamy(t(1.5), t(2.0)),
     D.RelaxedBernoulli(t(0.7), probs=t(0.3)), D.Beta(t(2.0), t(3.0)), D.VonMises(t(1.0), t(50.0))],
    ids=lambda p: type(p).__name__,
)  # fmt: skip
def test_densities_integrate_to_one(p):
    low, high = (-math.pi, math.pi) if isinstance(p, D.VonMises) else (1e-12, 1 - 1e-12)
    total, _ = integrate.quad(lambda x: math.exp(float(p.log_prob(t(x)))), low, high, limit=200)
    assert total == pytest.approx(1, abs=1e-7)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (D.ContinuousBernoulli(t(0.2)), D.Uniform(t(-0.5), t(2.0))),
        (D.Uniform(t(0.2), t(0.8)), D.ContinuousBernoulli(t(0.7))),
        (D.Uniform(t(0.0), t(1.0)), D.ContinuousBernoulli(t(0.7))),
        (D.Beta(t(2.0), t(3.0)), D.Normal(t(0.3), t(1.0))),
        (D.Gamma(t(2.0), t(3.0)), D.Gumbel(t(0.3), t(1.0))),
        (D.Normal(t(0.2), t(0.7)), D.Laplace(t(-0.3), t(1.2))),
        (D.Pareto(t(1.0), t(3.5)), D.Normal(t(0.3), t(1.0))),
        (D.Exponential(t(1.5)), D.Gamma(t(2.5), t(0.7))),
    ],
    ids=lambda d: type(d).__name__,
)
def test_divergence_is_the_integral(p, q):
    def integrand(x):
        log_p = float(p.log_prob(t(x)))
        return math.exp(log_p) * (log_p - float(q.log_prob(t(x))))

    ends = {D.ContinuousBernoulli: (0, 1), D.Beta: (0, 1), D.Gamma: (0, 30), D.Exponential: (0, 40), D.Normal: (-8, 8)}
    if isinstance(p, D.Uniform):
        low, high = float(p.low), float(p.high) - 1e-12
    elif isinstance(p, D.Pareto):
        low, high = 1.0, 5000.0
    else:
        low, high = ends[type(p)]
    total, _ = integrate.quad(integrand, low, high, limit=400, points=None)
    assert float(D.kl_divergence(p, q)) == pytest.approx(total, abs=1e-5)


def test_divergence_outside_is_infinite():
    inside = D.ContinuousBernoulli(t(0.2))
    assert float(D.kl_divergence(inside, D.Uniform(t(0.1), t(2.0)))) == math.inf
    assert float(D.kl_divergence(D.Uniform(t(-0.1), t(0.5)), inside)) == math.inf
    assert float(D.kl_divergence(D.Normal(t(0.0), t(1.0)), D.Uniform(t(-9.0), t(9.0)))) == math.inf


def test_seeds_repeat():
    draws = []
    for _ in range(2):
        ac.manual_seed(5)
        draws.append([make().sample((3,)).numpy().tolist() for make in BATCHES.values()])
    assert draws[0] == draws[1]
