"""The Kullback-Leibler divergence KL(p || q), by a registry of pairs of distributions.

Of the pairs registered for superclasses of both, the most specific one is used, as PyTorch does.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import total_ordering
from typing import Any

import autograd_core as ac

from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .continuous_bernoulli import ContinuousBernoulli
from .dirichlet import Dirichlet
from .distribution import Distribution, ExponentialFamily
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .laplace import Laplace
from .lowrank_multivariate_normal import LowRankMultivariateNormal, lowrank_log_det, lowrank_mahalanobis
from .multivariate_normal import MultivariateNormal
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .pareto import Pareto
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform
from .utils import euler_constant, frobenius, half_log_det, mahalanobis, softplus, sum_rightmost

__all__ = ["kl_divergence", "register_kl"]

Rule = Callable[[Any, Any], Any]

_REGISTRY: dict[tuple[type, type], Rule] = {}
_FOUND: dict[tuple[type, type], Rule | None] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Rule], Rule]:
    """Decorate a function of (p, q) that gives the divergence of these types (and of their subclasses).

    Raises
    ------
    TypeError
        If one of them is not a subclass of Distribution.

    Examples
    --------
    >>> from nn.distributions import Normal, Uniform, kl_divergence, register_kl
    >>> class Dot(Normal):
    ...     pass
    >>> @register_kl(Dot, Dot)
    ... def kl_dot_dot(p, q):
    ...     return 0.0
    >>> kl_divergence(Dot(0.0, 1.0), Dot(1.0, 1.0))
    0.0
    """
    for kind in (type_p, type_q):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"register_kl: expected subclasses of Distribution, got {kind!r}.")

    def decorator(function: Rule) -> Rule:
        _REGISTRY[type_p, type_q] = function
        _FOUND.clear()
        return function

    return decorator


@total_ordering
class _Match:
    """A pair of types, ordered by how specific they are: the first difference decides."""

    def __init__(self, *types: type) -> None:
        self.types = types

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Match) and self.types == other.types

    def __le__(self, other: _Match) -> bool:
        for x, y in zip(self.types, other.types, strict=True):
            if not issubclass(x, y):
                return False
            if x is not y:
                break
        return True


def _dispatch(type_p: type, type_q: type) -> Rule | None:
    matches = [(p, q) for p, q in _REGISTRY if issubclass(type_p, p) and issubclass(type_q, q)]
    if not matches:
        return None
    left_p, left_q = min(_Match(*m) for m in matches).types
    right_q, right_p = min(_Match(*reversed(m)) for m in matches).types
    left, right = _REGISTRY[left_p, left_q], _REGISTRY[right_p, right_q]
    if left is not right:
        warnings.warn(
            f"kl_divergence: ambiguous for ({type_p.__name__}, {type_q.__name__}); "
            f"please register_kl({left_p.__name__}, {right_q.__name__}).",
            RuntimeWarning,
            stacklevel=3,
        )
    return left


def kl_divergence(p: Distribution, q: Distribution) -> Any:
    """``KL(p || q) = E_p[log p(x) - log q(x)]``, of the batch's shape.

    Raises
    ------
    NotImplementedError
        If no pair of their types is registered.

    Examples
    --------
    >>> from nn.distributions import Normal, kl_divergence
    >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
    tensor(0.5000)
    """
    key = (type(p), type(q))
    if key not in _FOUND:
        _FOUND[key] = _dispatch(*key)
    rule = _FOUND[key]
    if rule is None:
        raise NotImplementedError(
            f"kl_divergence: no KL(p || q) is implemented for p of type {key[0].__name__} and q of type "
            f"{key[1].__name__}; "
            "register_kl() adds one."
        )
    return rule(p, q)


def _same_event(p: Any, q: Any) -> None:
    if p.event_shape != q.event_shape:
        raise ValueError(f"kl_divergence: the event shapes differ: {tuple(p.event_shape)} and {tuple(q.event_shape)}.")


def _x_log_x(x: Any) -> Any:
    return ac.xlogy(x, x)


# ------------------------------------------------------------------------------------------------- of the same family


@register_kl(Bernoulli, Bernoulli)
def _kl_bernoulli_bernoulli(p: Any, q: Any) -> Any:
    one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    one = ac.where(p.probs == 0, 0.0, ac.where(q.probs == 0, math.inf, one))
    zero = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    zero = ac.where(p.probs == 1, 0.0, ac.where(q.probs == 1, math.inf, zero))
    return one + zero


@register_kl(Beta, Beta)
def _kl_beta_beta(p: Any, q: Any) -> Any:
    a, b, c, d = p.concentration1, p.concentration0, q.concentration1, q.concentration0
    logs = ac.lgamma(c) + ac.lgamma(d) + ac.lgamma(a + b) - ac.lgamma(a) - ac.lgamma(b) - ac.lgamma(c + d)
    return logs + (a - c) * ac.digamma(a) + (b - d) * ac.digamma(b) + (c + d - a - b) * ac.digamma(a + b)


@register_kl(Binomial, Binomial)
def _kl_binomial_binomial(p: Any, q: Any) -> Any:
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError(
            "kl_divergence: between Binomials, q.total_count must not be more than p.total_count."
        )
    kl = p.total_count * (p.probs * (p.logits - q.logits) + ac.log1p(-p.probs) - ac.log1p(-q.probs))
    return ac.where(p.total_count > q.total_count, math.inf, kl)


@register_kl(Categorical, Categorical)
def _kl_categorical_categorical(p: Any, q: Any) -> Any:
    term = p.probs * (p.logits - q.logits)
    return ac.where(p.probs == 0, 0.0, ac.where(q.probs == 0, math.inf, term)).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _kl_onehotcategorical_onehotcategorical(p: Any, q: Any) -> Any:
    return _kl_categorical_categorical(p._categorical, q._categorical)


@register_kl(Cauchy, Cauchy)
def _kl_cauchy_cauchy(p: Any, q: Any) -> Any:
    distance = (p.scale + q.scale).square() + (p.loc - q.loc).square()
    return distance.log() - (4 * p.scale * q.scale).log()


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _kl_continuous_bernoulli_continuous_bernoulli(p: Any, q: Any) -> Any:
    of_p = p._cont_bern_log_norm() + ac.log1p(-p.probs)
    of_q = q._cont_bern_log_norm() + ac.log1p(-q.probs)
    return p.mean * (p.logits - q.logits) + of_p - of_q


@register_kl(Dirichlet, Dirichlet)
def _kl_dirichlet_dirichlet(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    logs = ac.lgamma(total) - ac.lgamma(b.sum(-1)) - (ac.lgamma(a) - ac.lgamma(b)).sum(-1)
    return logs + ((a - b) * (ac.digamma(a) - ac.digamma(total).unsqueeze(-1))).sum(-1)


@register_kl(Exponential, Exponential)
def _kl_exponential_exponential(p: Any, q: Any) -> Any:
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(ExponentialFamily, ExponentialFamily)
def _kl_expfamily_expfamily(p: Any, q: Any) -> Any:
    """The Bregman divergence of the log-normaliser."""
    if type(p) is not type(q):
        raise NotImplementedError(
            f"kl_divergence: {type(p).__name__} and {type(q).__name__} are different exponential families, and no "
            "pair is "
            "registered for them."
        )
    params = [x.detach().requires_grad_() for x in p._natural_params]
    with ac.enable_grad():
        normalizer = p._log_normalizer(*params)
        gradients = ac.autograd.grad(normalizer.sum(), params, create_graph=True)
    others = q._natural_params
    result = q._log_normalizer(*others) - normalizer
    for x, y, g in zip(params, others, gradients, strict=True):
        result = result - sum_rightmost((y - x) * g, len(q.event_shape))
    return result


@register_kl(Gamma, Gamma)
def _kl_gamma_gamma(p: Any, q: Any) -> Any:
    a, b = p.concentration, q.concentration
    logs = b * (p.rate / q.rate).log() + ac.lgamma(b) - ac.lgamma(a)
    return logs + (a - b) * ac.digamma(a) + (q.rate - p.rate) * (a / p.rate)


@register_kl(Gumbel, Gumbel)
def _kl_gumbel_gumbel(p: Any, q: Any) -> Any:
    ratio, shift = p.scale / q.scale, (p.loc - q.loc) / q.scale
    tail = ac.exp(ac.lgamma(1 + ratio) - shift)
    return -ratio.log() + shift + ratio * euler_constant + tail - (1 + euler_constant)


@register_kl(Geometric, Geometric)
def _kl_geometric_geometric(p: Any, q: Any) -> Any:
    return -p.entropy() - ac.log1p(-q.probs) / p.probs - q.logits


@register_kl(HalfNormal, HalfNormal)
def _kl_halfnormal_halfnormal(p: Any, q: Any) -> Any:
    return _kl_normal_normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _kl_laplace_laplace(p: Any, q: Any) -> Any:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * ac.exp(-distance / p.scale) - 1


@register_kl(Normal, Normal)
def _kl_normal_normal(p: Any, q: Any) -> Any:
    ratio = (p.scale / q.scale).square()
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).square() - 1 - ratio.log())


@register_kl(Pareto, Pareto)
def _kl_pareto_pareto(p: Any, q: Any) -> Any:
    ratio = q.alpha / p.alpha
    kl = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return ac.where(p.scale < q.scale, math.inf, kl)


@register_kl(Poisson, Poisson)
def _kl_poisson_poisson(p: Any, q: Any) -> Any:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _kl_uniform_uniform(p: Any, q: Any) -> Any:
    kl = ((q.high - q.low) / (p.high - p.low)).log()
    return ac.where((q.low > p.low) | (q.high < p.high), math.inf, kl)


@register_kl(TransformedDistribution, TransformedDistribution)
def _kl_transformed_transformed(p: Any, q: Any) -> Any:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError(
            "kl_divergence: of transformed distributions only those with equal transforms and event shapes can be "
            "compared."
        )
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _kl_independent_independent(p: Any, q: Any) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError(
            "kl_divergence: the numbers of reinterpreted dimensions differ: "
            f"{p.reinterpreted_batch_ndims} and {q.reinterpreted_batch_ndims}."
        )
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


# ------------------------------------------------------------------------------------------------- vectors


def _solved(tril: Any, right: Any) -> Any:
    """``tril^-1 right``, both broadcast to a common batch."""
    batch = ac.broadcast_shapes(tuple(tril.shape[:-2]), tuple(right.shape[:-2]))
    tril, right = tril.expand((*batch, *tril.shape[-2:])), right.expand((*batch, *right.shape[-2:]))
    return ac.linalg.solve_triangular(tril, right, upper=False)


def _distance(tril: Any, x: Any) -> Any:
    batch = ac.broadcast_shapes(tuple(tril.shape[:-2]), tuple(x.shape[:-1]))
    return mahalanobis(tril.expand((*batch, *tril.shape[-2:])), x.expand((*batch, x.shape[-1])))


@register_kl(MultivariateNormal, MultivariateNormal)
def _kl_multivariatenormal_multivariatenormal(p: Any, q: Any) -> Any:
    _same_event(p, q)
    tril = q._unbroadcasted_scale_tril
    logs = half_log_det(tril) - half_log_det(p._unbroadcasted_scale_tril)
    trace = frobenius(_solved(tril, p._unbroadcasted_scale_tril))
    return logs + 0.5 * (trace + _distance(tril, q.loc - p.loc) - p.event_shape[0])


def _against_lowrank(q: Any, pieces: list[Any], diagonal: Any, log_det: Any, p: Any) -> Any:
    """KL of a normal with covariance ``sum of X X^T over pieces + diag(diagonal)`` against a low-rank one."""
    factor, own = q._unbroadcasted_cov_factor, q._unbroadcasted_cov_diag
    capacitance = q._capacitance_tril
    a = ac.linalg.solve_triangular(capacitance, factor.mT / own.unsqueeze(-2), upper=False)
    trace: Any = 0.0
    for x in pieces:
        trace = trace + frobenius(x * own.rsqrt().unsqueeze(-1)) - frobenius(a @ x)
    if diagonal is not None:
        trace = trace + (diagonal / own).sum(-1) - frobenius(a * diagonal.sqrt().unsqueeze(-2))
    distance = lowrank_mahalanobis(factor, own, q.loc - p.loc, capacitance)
    return 0.5 * (lowrank_log_det(own, capacitance) - log_det + trace + distance - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _kl_lowrank_lowrank(p: Any, q: Any) -> Any:
    _same_event(p, q)
    log_det = lowrank_log_det(p._unbroadcasted_cov_diag, p._capacitance_tril)
    return _against_lowrank(q, [p._unbroadcasted_cov_factor], p._unbroadcasted_cov_diag, log_det, p)


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _kl_multivariatenormal_lowrank(p: Any, q: Any) -> Any:
    _same_event(p, q)
    tril = p._unbroadcasted_scale_tril
    return _against_lowrank(q, [tril], None, 2 * half_log_det(tril), p)


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _kl_lowrank_multivariatenormal(p: Any, q: Any) -> Any:
    _same_event(p, q)
    tril = q._unbroadcasted_scale_tril
    log_det = 2 * half_log_det(tril) - lowrank_log_det(p._unbroadcasted_cov_diag, p._capacitance_tril)
    trace = frobenius(_solved(tril, p._unbroadcasted_cov_factor))
    trace = trace + frobenius(_solved(tril, ac.diag_embed(p._unbroadcasted_cov_diag.sqrt())))
    return 0.5 * (log_det + trace + _distance(tril, q.loc - p.loc) - p.event_shape[0])


# ----------------------------------------------------------------------------------------- of different families


def _infinite(p: Any, q: Any) -> Any:
    """p has values that are impossible under q."""
    return ac.full(ac.broadcast_shapes(p.batch_shape, q.batch_shape), math.inf, dtype=p.mean.dtype)


for _p, _impossible in {
    Beta: (Pareto,),
    ContinuousBernoulli: (Pareto,),
    Exponential: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gamma: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gumbel: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Laplace: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Normal: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Pareto: (Beta, ContinuousBernoulli, Uniform),
    Poisson: (Bernoulli, Binomial),
}.items():
    for _q in _impossible:
        register_kl(_p, _q)(_infinite)


@register_kl(Bernoulli, Poisson)
def _kl_bernoulli_poisson(p: Any, q: Any) -> Any:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Beta, ContinuousBernoulli)
def _kl_beta_continuous_bernoulli(p: Any, q: Any) -> Any:
    return -p.entropy() - p.mean * q.logits - ac.log1p(-q.probs) - q._cont_bern_log_norm()


@register_kl(Beta, Exponential)
def _kl_beta_exponential(p: Any, q: Any) -> Any:
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(Beta, Gamma)
def _kl_beta_gamma(p: Any, q: Any) -> Any:
    a, total = p.concentration1, p.concentration1 + p.concentration0
    logs = ac.lgamma(q.concentration) - q.concentration * q.rate.log()
    mean_log = ac.digamma(a) - ac.digamma(total)
    return -p.entropy() + logs - (q.concentration - 1) * mean_log + q.rate * a / total


def _cross_entropy_normal(mean: Any, variance: Any, q: Any) -> Any:
    """``-E[log q]`` of a normal q under a distribution with this mean and variance."""
    squares = (variance + (mean - q.loc).square()) / (2 * q.scale.square())
    return 0.5 * math.log(2 * math.pi) + q.scale.log() + squares


@register_kl(Beta, Normal)
@register_kl(ContinuousBernoulli, Normal)
@register_kl(Exponential, Normal)
@register_kl(Gamma, Normal)
@register_kl(Gumbel, Normal)
@register_kl(Laplace, Normal)
@register_kl(Uniform, Normal)
def _kl_moments_normal(p: Any, q: Any) -> Any:
    """Against a normal distribution only mean and variance matter."""
    return _cross_entropy_normal(p.mean, p.variance, q) - p.entropy()


@register_kl(Pareto, Normal)
def _kl_pareto_normal(p: Any, q: Any) -> Any:
    finite = p.alpha > 2
    alpha = ac.where(finite, p.alpha, 3.0)
    mean = alpha * p.scale / (alpha - 1)
    variance = p.scale.square() * alpha / ((alpha - 1).square() * (alpha - 2))
    return ac.where(finite, _cross_entropy_normal(mean, variance, q) - p.entropy(), math.inf)


@register_kl(Beta, Uniform)
def _kl_beta_uniform(p: Any, q: Any) -> Any:
    kl = -p.entropy() + (q.high - q.low).log()
    return ac.where((q.low > 0) | (q.high < 1), math.inf, kl)


@register_kl(ContinuousBernoulli, Exponential)
def _kl_continuous_bernoulli_exponential(p: Any, q: Any) -> Any:
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(ContinuousBernoulli, Uniform)
def _kl_continuous_bernoulli_uniform(p: Any, q: Any) -> Any:
    # PyTorch's has the comparisons turned around, and is infinite where the divergence is finite.
    kl = -p.entropy() + (q.high - q.low).log()
    return ac.where((q.low > 0) | (q.high < 1), math.inf, kl)


@register_kl(Exponential, Gamma)
def _kl_exponential_gamma(p: Any, q: Any) -> Any:
    ratio, a = q.rate / p.rate, q.concentration
    return -a * ratio.log() + ratio + ac.lgamma(a) + a * euler_constant - (1 + euler_constant)


@register_kl(Exponential, Gumbel)
def _kl_exponential_gumbel(p: Any, q: Any) -> Any:
    product, shift = p.rate * q.scale, q.loc / q.scale
    return product.log() - 1 - shift + ac.exp(shift) * product / (product + 1) + product.reciprocal()


@register_kl(Gamma, Exponential)
def _kl_gamma_exponential(p: Any, q: Any) -> Any:
    return -p.entropy() - q.rate.log() + q.rate * p.concentration / p.rate


@register_kl(Gamma, Gumbel)
def _kl_gamma_gumbel(p: Any, q: Any) -> Any:
    a, product, shift = p.concentration, p.rate * q.scale, q.loc / q.scale
    entropy = (a - 1) * ac.digamma(a) - ac.lgamma(a) - a
    tail = ac.exp(shift) * (1 + product.reciprocal()).pow(-a) - shift
    return entropy + product.log() + a / product + tail


@register_kl(Normal, Gumbel)
def _kl_normal_gumbel(p: Any, q: Any) -> Any:
    shift, variance = (p.loc - q.loc) / q.scale, (p.scale / q.scale).square()
    tail = ac.exp(-shift + 0.5 * variance)
    return -0.5 * variance.log() + shift + tail - 0.5 * (1 + math.log(2 * math.pi))


@register_kl(Normal, Laplace)
def _kl_normal_laplace(p: Any, q: Any) -> Any:
    difference = p.loc - q.loc
    z = difference / p.scale
    distance = math.sqrt(2 / math.pi) * p.scale * ac.exp(-0.5 * z.square()) + difference * ac.erf(math.sqrt(0.5) * z)
    return -(p.scale / q.scale).log() + distance / q.scale - 0.5 * (1 + math.log(0.5 * math.pi))


@register_kl(Pareto, Exponential)
def _kl_pareto_exponential(p: Any, q: Any) -> Any:
    product = p.scale * q.rate
    alpha = ac.where(p.alpha > 1, p.alpha, 2.0)
    kl = (p.alpha / product).log() - p.alpha.reciprocal() + alpha * product / (alpha - 1) - 1
    return ac.where(p.alpha > 1, kl, math.inf)


@register_kl(Pareto, Gamma)
def _kl_pareto_gamma(p: Any, q: Any) -> Any:
    common = p.scale.log() + p.alpha.reciprocal()
    alpha = ac.where(p.alpha > 1, p.alpha, 2.0)
    logs = p.alpha.log() - common + ac.lgamma(q.concentration) - q.concentration * q.rate.log()
    kl = logs + (1 - q.concentration) * common + q.rate * alpha * p.scale / (alpha - 1) - 1
    return ac.where(p.alpha > 1, kl, math.inf)


@register_kl(Uniform, Beta)
def _kl_uniform_beta(p: Any, q: Any) -> Any:
    width, a, b = p.high - p.low, q.concentration1, q.concentration0
    low = (a - 1) * (_x_log_x(p.high) - _x_log_x(p.low) - width) / width
    high = (b - 1) * (_x_log_x(1 - p.high) - _x_log_x(1 - p.low) + width) / width
    kl = high - low + ac.lgamma(a) + ac.lgamma(b) - ac.lgamma(a + b) - width.log()
    return ac.where((p.high > 1) | (p.low < 0), math.inf, kl)


@register_kl(Uniform, ContinuousBernoulli)
def _kl_uniform_continuous_bernoulli(p: Any, q: Any) -> Any:
    kl = -p.entropy() - p.mean * q.logits - ac.log1p(-q.probs) - q._cont_bern_log_norm()
    # PyTorch's is infinite already where the ends are equal, though the divergence is not.
    return ac.where((p.high > 1) | (p.low < 0), math.inf, kl)


@register_kl(Uniform, Exponential)
def _kl_uniform_exponential(p: Any, q: Any) -> Any:
    kl = q.rate * (p.high + p.low) / 2 - ((p.high - p.low) * q.rate).log()
    return ac.where(p.low < 0, math.inf, kl)


@register_kl(Uniform, Gamma)
def _kl_uniform_gamma(p: Any, q: Any) -> Any:
    width, a = p.high - p.low, q.concentration
    mean_log = (_x_log_x(p.high) - _x_log_x(p.low) - width) / width
    kl = -width.log() + ac.lgamma(a) - a * q.rate.log() + (1 - a) * mean_log + q.rate * (p.high + p.low) / 2
    return ac.where(p.low < 0, math.inf, kl)


@register_kl(Uniform, Gumbel)
def _kl_uniform_gumbel(p: Any, q: Any) -> Any:
    ratio = q.scale / (p.high - p.low)
    high, low = (p.high - q.loc) / q.scale, (p.low - q.loc) / q.scale
    return ratio.log() + 0.5 * (high + low) - ratio * (ac.exp(-high) - ac.exp(-low))


@register_kl(Uniform, Pareto)
def _kl_uniform_pareto(p: Any, q: Any) -> Any:
    width = p.high - p.low
    mean_log = (_x_log_x(p.high) - _x_log_x(p.low) - width) / width
    kl = mean_log * (q.alpha + 1) - (q.alpha * q.scale.pow(q.alpha) * width).log()
    return ac.where(p.low < q.scale, math.inf, kl)
