"""What all distributions share: validation, errors, expanding, enumerating, caching, registries."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import autograd_core as ac
from nn import distributions as D
from nn.distributions import constraints


def one(*shape):
    return ac.ones(*shape)


ERRORS = [
    (lambda: D.Normal(0.0, -1.0), ValueError, r"Normal: expected parameter scale \(Tensor of shape "
                                              r"\(\)\).*GreaterThan\(lower_bound=0.0\)"),
    (lambda: D.Normal(0.0, float("nan")), ValueError, "expected parameter scale"),
    (lambda: D.Normal("a", 1.0), ValueError, "parameters must be tensors or numbers, got str"),
    (lambda: D.Normal(one(2), one(3)), RuntimeError, "broadcast"),
    (lambda: D.Uniform(1.0, 1.0), ValueError, "Uniform: low must be less than high"),
    (lambda: D.Bernoulli(), ValueError, "Bernoulli: either `probs` or `logits` must be specified, but not both"),
    (lambda: D.Bernoulli(0.5, 0.5), ValueError, "not both"),
    (lambda: D.Bernoulli(1.5), ValueError, "expected parameter probs"),
    (lambda: D.Categorical(ac.tensor(0.5)), ValueError, "Categorical: probs must be at least one-dimensional"),
    (lambda: D.Categorical(ac.tensor([0.5, -0.5, 1.0])), ValueError, "expected parameter probs"),
    (lambda: D.Geometric(0.0), ValueError, "Geometric: probs must be more than 0"),
    (lambda: D.Dirichlet(ac.tensor(1.0)), ValueError, "Dirichlet: concentration must be at least one-dimensional"),
    (lambda: D.LKJCholesky(1), ValueError, "LKJCholesky: expected dim to be an integer of at least 2, got 1"),
    (lambda: D.Multinomial(one(2), one(3)), NotImplementedError, "different total counts"),
    (lambda: D.MultivariateNormal(one(2)), ValueError, "exactly one of covariance_matrix, precision_matrix and "
                                                       "scale_tril"),
    (lambda: D.MultivariateNormal(one(2), one(2, 2)), ValueError, "expected parameter covariance_matrix"),
    (lambda: D.MultivariateNormal(one(2), one(2)), ValueError, r"covariance_matrix must be at least "
                                                               r"two-dimensional, got shape \(2,\)"),
    (lambda: D.MultivariateNormal(ac.tensor(1.0), one(2, 2)), ValueError, "loc must be at least one-dimensional"),
    (lambda: D.LowRankMultivariateNormal(one(3), one(2, 1), one(3)), ValueError, r"batch of 3 x m matrices, got "
                                                                                 r"shape \(2, 1\)"),
    (lambda: D.LowRankMultivariateNormal(one(3), one(3, 1), one(2)), ValueError, r"vectors of length 3, got shape "
                                                                                 r"\(2,\)"),
    (lambda: D.LowRankMultivariateNormal(one(2, 3), one(4, 3, 1), one(3)), ValueError, "incompatible batch shapes"),
    (lambda: D.Wishart(1.0, ac.eye(3)), ValueError, "df must be greater than 2"),
    (lambda: D.Wishart(5.0), ValueError, "Wishart: exactly one of"),
    (lambda: D.Independent(D.Normal(0.0, 1.0), 1), ValueError, "expected reinterpreted_batch_ndims <= 0"),
    (lambda: D.MixtureSameFamily(D.Normal(0.0, 1.0), D.Normal(one(2), one(2))), ValueError, "must be a "
                                                                                            "Categorical, got Normal"),
    (lambda: D.MixtureSameFamily(D.Categorical(one(3)), D.Normal(one(2), one(2))), ValueError, "3 weights, but the "
                                                                                               "components' batch "
                                                                                               "shape"),
    (lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), "exp"), ValueError, "must be a Transform or a list of "
                                                                               "Transforms"),
    (lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), D.StickBreakingTransform()), ValueError, "needs at "
                                                                                                    "least 1 "
                                                                                                    "dimensions"),
    (lambda: D.Normal(0.0, 1.0).log_prob(0.0), ValueError, "the value must be a Tensor, got float"),
    (lambda: D.Normal(one(2), one(2)).log_prob(one(3)), ValueError, r"does not broadcast with batch_shape \+ "
                                                                    r"event_shape: \(3,\) against \(2,\)"),
    (lambda: D.Dirichlet(one(3)).log_prob(one(2)), ValueError, r"right-most sizes of the value must be the "
                                                               r"event_shape: \(2,\) against \(3,\)"),
    (lambda: D.Bernoulli(0.5).log_prob(ac.tensor(0.5)), ValueError, r"to be within the support \(Boolean\(\)\)"),
    (lambda: D.Exponential(1.0).cdf(ac.tensor(-1.0)), ValueError, "within the support"),
    (lambda: D.Poisson(1.0).log_prob(ac.tensor(1.5)), ValueError, "within the support"),
    (lambda: D.Poisson(1.0).entropy(), NotImplementedError, "Poisson.entropy: not defined for this distribution"),
    (lambda: D.Normal(0.0, 1.0).enumerate_support(), NotImplementedError, "Normal.enumerate_support"),
    (lambda: D.Binomial(ac.tensor([1.0, 2.0]), one(2) / 2).entropy(), NotImplementedError, "different total counts"),
    (lambda: D.Distribution.set_default_validate_args(3), ValueError, "expected True or False, got 3"),
    (lambda: D.kl_divergence(D.Normal(0.0, 1.0), D.Poisson(1.0)), NotImplementedError, "are different exponential "
                                                                                       "families"),
    (lambda: D.kl_divergence(D.VonMises(0.0, 1.0), D.Normal(0.0, 1.0)), NotImplementedError, "no KL.* for p of "
                                                                                             "type VonMises"),
    (lambda: D.register_kl(int, D.Normal), TypeError, "expected subclasses of Distribution"),
    (lambda: D.biject_to(constraints.boolean), NotImplementedError, "No transform is registered onto Boolean"),
    (lambda: D.biject_to.register(3, None)(lambda c: None), TypeError, "expected a constraint"),
    (lambda: D.ExpTransform(cache_size=2), ValueError, "cache_size must be 0 or 1, got 2"),
    (lambda: D.ReshapeTransform((2, 3), (5,)), ValueError, "different numbers of elements"),
    (lambda: D.CorrCholeskyTransform().forward_shape((4,)), ValueError, "4 numbers are not a flattened lower triangle"),
    (lambda: D.CatTransform([D.ExpTransform()], lengths=[1, 2]), ValueError, "1 transforms and 2 lengths"),
    (lambda: D.CatTransform([D.ExpTransform()], 0, [2])(one(3)), ValueError, r"expected size 2 in dimension 0, got "
                                                                             r"shape \(3,\)"),
    (lambda: D.StackTransform([3]), TypeError, "expected transforms, got int"),
    (lambda: D.SoftmaxTransform().sign, NotImplementedError, "not monotone"),
    (lambda: constraints.dependent.check(1.0), ValueError, "cannot determine validity"),
    (lambda: constraints.independent(constraints.real, -1), ValueError, "got -1"),
]  # fmt: skip


@pytest.mark.parametrize("case", ERRORS, ids=lambda c: c[2][:40])
def test_errors(case):
    make, kind, text = case
    with pytest.raises(kind, match=text):
        make()


def test_validation_can_be_turned_off():
    p = D.Normal(0.0, -1.0, validate_args=False)
    assert float(p.scale) == -1.0
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError, match="expected parameter scale"):
        D.Normal(0.0, -1.0)


def test_default_dtype_and_given_one():
    assert D.Normal(0, 1).sample().dtype is ac.float32
    assert D.Normal(ac.zeros((), dtype=ac.float64), 1).sample((2,)).dtype is ac.float64
    assert D.Bernoulli(0.5).sample().dtype is ac.float32
    assert D.Categorical(one(3)).sample().dtype is ac.int64


def test_repr():
    assert repr(D.Normal(0.0, 1.0)) == "Normal(loc: 0.0, scale: 1.0)"
    assert repr(D.Normal(one(2), one(2))) == "Normal(loc: Size([2]), scale: Size([2]))"
    assert (
        repr(D.Independent(D.Normal(one(2), one(2)), 1)) == "Independent(Normal(loc: Size([2]), scale: Size([2])), 1)"
    )
    assert repr(constraints.interval(0.0, 1.0)) == "Interval(lower_bound=0.0, upper_bound=1.0)"
    assert repr(constraints.real_vector) == "IndependentConstraint(Real(), 1)"


def test_lazy_parameters_are_computed_once():
    p = D.Bernoulli(logits=ac.tensor([0.3, -0.2]))
    assert "probs" not in p.__dict__
    assert p.probs is p.probs
    q = D.Bernoulli(logits=ac.tensor([0.3], requires_grad=True))
    with ac.no_grad():
        assert q.probs.requires_grad


def test_expand_shares_memory_and_keeps_type():
    p = D.Normal(ac.zeros(3), ac.ones(3)).expand((1000, 3))
    assert type(p) is D.Normal
    assert p.loc.array.strides[0] == 0
    assert tuple(D.Chi2(one(2)).expand((4, 2)).df.shape) == (4, 2)
    assert tuple(D.MixtureSameFamily(D.Categorical(one(2)), D.Normal(one(2), one(2))).expand((5,)).sample().shape) == (
        5,
    )


@pytest.mark.parametrize("make", [
    lambda: D.Normal(one(2), one(2)), lambda: D.Beta(one(2), one(2)), lambda: D.Gumbel(one(2), one(2)),
    lambda: D.MultivariateNormal(one(2), ac.eye(2)), lambda: D.Categorical(logits=one(3)),
    lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), [D.ExpTransform().inv.inv, D.AffineTransform(0, 2)]),
])  # fmt: skip
def test_copies_and_pickles(make):
    p = make()
    for q in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        x = p.sample()
        np.testing.assert_array_equal(q.log_prob(x).numpy(), p.log_prob(x).numpy())


def test_caching_transforms():
    t = D.SigmoidTransform(cache_size=1)
    x = ac.tensor([40.0, -3.0])
    assert t.inv(t(x)) is x  # exact, where the inverse would have lost the number
    assert D.SigmoidTransform().with_cache(1)._cache_size == 1
    both = D.ComposeTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)], cache_size=1)
    y = both(x)
    assert both.inv(y) is x


def test_equal_transforms():
    assert D.ExpTransform() == D.ExpTransform()
    assert D.ExpTransform() != D.TanhTransform()
    assert D.ExpTransform().inv == D.ExpTransform().inv
    assert D.AffineTransform(1.0, 2.0) == D.AffineTransform(1.0, 2.0)
    assert D.AffineTransform(1.0, 2.0) != D.AffineTransform(1.0, 3.0)
    assert D.AffineTransform(one(2), 2.0) == D.AffineTransform(1.0, 2.0)
    assert D.PowerTransform(2.0) == D.PowerTransform(2.0)
    assert D.ComposeTransform([D.ExpTransform()]) == D.ComposeTransform([D.ExpTransform()])


def test_the_most_specific_divergence_is_used():
    class Mine(D.Normal):
        pass

    @D.register_kl(Mine, D.Normal)
    def kl_mine(p, q):
        return "mine"

    assert D.kl_divergence(Mine(0.0, 1.0), D.Normal(0.0, 1.0)) == "mine"
    assert float(D.kl_divergence(D.Normal(0.0, 1.0), Mine(0.0, 1.0))) == 0.0


def test_transform_to_makes_valid_parameters():
    x = ac.tensor(np.random.default_rng(0).standard_normal((4, 3, 3)))
    for name in (
        "positive",
        "unit_interval",
        "simplex",
        "lower_cholesky",
        "positive_definite",
        "corr_cholesky",
        "real_vector",
    ):
        constraint = getattr(constraints, name)
        assert bool(constraint.check(D.transform_to(constraint)(x)).all()), name
    for constraint in (constraints.interval(-1.0, 3.0), constraints.less_than(2.0), constraints.greater_than(1.0)):
        y = D.transform_to(constraint)(x)
        assert bool(constraint.check(y).all()), constraint


def test_importing_loads_no_scipy():
    code = "import sys, nn.distributions; assert 'scipy' not in sys.modules and 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
