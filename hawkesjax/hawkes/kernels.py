r"""Kernels of the Hawkes model: how the effect of an event decays over time.

All are sums of exponentials, `phi(t) = sum_k w_k gamma r_k exp(-gamma r_k t)`, with a `gamma` for
each pair, each source or the whole model (`Hawkes.decay`), and ratios `r` and weights `w` that
all share.
"""

from __future__ import annotations

import abc
import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax.scipy.special import gammaln
from jaxtyping import Array, Float
from scipy import special

from hawkesjax.core.parameter import Parameter
from hawkesjax.inputs.arguments import Range

Params = Mapping[str, Any]

EXPONENTS = (0.05, 1.0)  # the theta that a power law may have


@dataclass(frozen=True)
class Kernel(abc.ABC):
    """How the effect of an event decays over time. Subclass it as a frozen dataclass whose fields
    are its settings, and define `ratios` and `weights`; with parameters of its own, also
    `parameters` (and `coords`, where these have axes). Pass an instance as `Hawkes(kernel=...)`.
    """

    kinds: ClassVar[dict[str, type[Kernel]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Kernel.kinds[cls.__name__] = cls

    @property
    @abc.abstractmethod
    def ratios(self) -> Float[np.ndarray, " terms"]:
        """(K,) rate of each term, relative to gamma."""

    @abc.abstractmethod
    def weights(self, params: Params) -> Float[Array, "*draws terms"]:
        """Share of the children that each term has; whatever the ratios, they add up to 1. Negative
        ones are allowed as long as phi is 0 or more at all times."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The kernel's own parameters."""
        return ()

    def coords(self) -> dict[str, list[str]]:
        """Names along the axes of these parameters."""
        return {}

    def half_life(self, params: Params) -> Float[Array, "*draws"]:
        """Time, in units of 1 / gamma, within which half of the children come; differentiable."""
        weights = self.weights(params)
        ratios = jnp.asarray(self.ratios, weights.dtype)

        def terms(weights, time):
            return weights * jnp.exp(-ratios * time[..., None])

        def halve(_, ends):
            middle = (ends[0] + ends[1]) / 2
            late = jnp.sum(terms(known, middle), axis=-1) > 0.5
            return jnp.where(late, middle, ends[0]), jnp.where(late, ends[1], middle)

        known = jax.lax.stop_gradient(weights)
        zero = jnp.zeros(weights.shape[:-1], weights.dtype)
        # What is left at time t is at most sum |w| exp(-r t), r the slowest.
        top = jnp.log(2 * jnp.sum(jnp.abs(known), axis=-1)) / float(self.ratios.min())
        low, high = jax.lax.fori_loop(0, 50, halve, (zero, zero + top))
        time = (low + high) / 2
        for _ in range(2):  # Newton steps, which carry first and second derivatives
            left = terms(weights, time)
            time += (jnp.sum(left, axis=-1) - 0.5) / jnp.sum(ratios * left, axis=-1)
        return time

    def config(self) -> Any:
        """The kernel as a JSON-serialisable value."""
        return {"kernel": type(self).__name__} | asdict(self)


@dataclass(frozen=True)
class Exponential(Kernel):
    """`phi(t) = gamma exp(-gamma t)`: one memory, of half-life `log 2 / gamma`."""

    @property
    def ratios(self) -> Float[np.ndarray, " terms"]:
        return np.ones(1)

    def weights(self, params: Params) -> Float[Array, "*draws terms"]:
        return jnp.ones(1)

    def half_life(self, params: Params) -> Float[Array, "*draws"]:
        return jnp.log(jnp.asarray(2.0))

    def config(self) -> Any:
        return "exponential"


@dataclass(frozen=True)
class SumOfExponentials(Kernel):
    r"""A memory on several time scales, fast at first, then slow; it integrates to one.

    .. math:: \phi(t) = \sum_{k=0}^{K-1} w_k \gamma_k e^{-\gamma_k t}, \qquad
              \gamma_k = \gamma / ratio^k

    so that `gamma` is the fastest rate. The weights are learned and shared by all pairs:
    `w_0 = split_0`, `w_1 = (1 - split_0) split_1`, ..., and the last is the remainder; their
    default prior is uniform over all weights. Where the data have one time scale only, each term
    alone explains them, and chains may settle on different terms (a split near 0 or 1, and a large
    R-hat): use fewer terms then.

    Args:
        terms: K, 2 or more.
        ratio: how many times slower each term is than the one before.

    Raises:
        ValueError: for fewer terms, or a ratio that is not above 1.
    """

    terms: int = 2
    ratio: float = 10.0

    def __post_init__(self) -> None:
        if int(self.terms) != self.terms or self.terms < 2:
            raise ValueError(f"terms is {self.terms!r}; it must be a whole number, 2 or more.")
        if not (np.isfinite(self.ratio) and self.ratio > 1):
            raise ValueError(f"ratio is {self.ratio!r}; it must be finite and above 1.")

    @property
    def ratios(self) -> Float[np.ndarray, " terms"]:
        return float(self.ratio) ** -np.arange(self.terms)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        prior = dist.Beta(1.0, np.arange(self.terms - 1.0, 0, -1))
        start = 1 / np.arange(self.terms, 1.0, -1)
        return (Parameter("split", prior, ("term",), start, edge=_nothing("split")),)

    def coords(self) -> dict[str, list[str]]:
        return {"term": [str(k) for k in range(self.terms - 1)]}

    def weights(self, params: Params) -> Float[Array, "*draws terms"]:
        split = jnp.asarray(params["split"])
        left = jnp.cumprod(1 - split, axis=-1)
        one = jnp.ones_like(left[..., :1])
        before = jnp.concatenate([one, left[..., :-1]], axis=-1)
        return jnp.concatenate([before * split, left[..., -1:]], axis=-1)


@dataclass(frozen=True)
class RisingExponential(Kernel):
    r"""A memory that begins at 0 and rises before it fades: nobody answers at once.

    .. math:: \phi(t) = \frac{r}{r - 1} \gamma \left(e^{-\gamma t} - e^{-r \gamma t}\right)

    the density of the sum of two exponential times, of rates `gamma` and `r gamma`
    (hypoexponential). It is highest at `log(r) / ((r - 1) gamma)`, and its mean is
    `(1 + 1 / r) / gamma`. A small r rises slowly: near 1 it is the gamma density
    `gamma^2 t exp(-gamma t)`; a large one is almost the exponential memory.
    Choose it by AIC or leave-one-out among a few, 1.1, 3 and 10 say. For effects that begin at a
    known or learned time see `Hawkes(lag=...)`.

    Args:
        rise: r, how many times faster the rise is than the decay; 1.01 or more.

    Raises:
        ValueError: for a rise below 1.01, or none that is finite.
    """

    rise: float = 3.0

    def __post_init__(self) -> None:
        # Below, the two terms cancel: their weights are r / (r - 1) and more.
        if not (np.isfinite(self.rise) and self.rise >= 1.01):
            raise ValueError(f"rise is {self.rise!r}; it must be finite, and 1.01 or more.")

    @property
    def ratios(self) -> Float[np.ndarray, " terms"]:
        return np.array([1.0, float(self.rise)])

    def weights(self, params: Params) -> Float[Array, "*draws terms"]:
        return jnp.array([self.rise, -1.0]) / (self.rise - 1)


@dataclass(frozen=True)
class PowerLaw(Kernel):
    r"""A scale-free memory, as a sum of exponentials with a stated error.

    .. math:: \phi(t) = \frac{\theta}{c} \left(1 + \frac{t}{c}\right)^{-(1 + \theta)}
              \approx \sum_k w_k \frac{s_k}{c} e^{-s_k t / c}, \qquad
              w_k = \frac{h s_k^\theta e^{-s_k}}{\Gamma(\theta)}, \quad s_k = s_0 e^{h k}

    the trapezoidal rule for the gamma function's integral. `gamma` stands for 1/c. The relative
    error of phi is at most `error` for all t up to `span` times c and all theta from 0.05 to 1
    (`max_error` measures it). Beyond that time the sum falls below the power law: the remaining
    share of children, `(1 + span)^-theta`, comes late or never in the sum. So choose `span` such
    that `span * c` exceeds the longest window.

    A power law has no finite recursion; each term is one pass over the events (17 terms by
    default).

    Args:
        theta: the exponent, if it is known; None to learn it.
        span: longest time in units of c for which the error is stated.
        error: largest relative error.

    Raises:
        ValueError: for a theta outside 0.05 to 1, a span below 1, or an error outside 1e-8 to 0.5.

    Source: Beylkin and Monzon (2010), Appl. Comput. Harmon. Anal. 28, 131-149; for Hawkes
    processes: Hardiman, Bercot and Bouchaud (2013), Eur. Phys. J. B 86, 442, who space the terms
    alike, and weight them by the power of the rate alone.
    """

    theta: float | None = None
    span: float = 1e4
    error: float = 0.01

    def __post_init__(self) -> None:
        low, high = EXPONENTS
        if self.theta is not None and not low <= self.theta <= high:
            raise ValueError(f"theta is {self.theta!r}; it must lie between {low} and {high}.")
        if not (np.isfinite(self.span) and self.span >= 1):
            raise ValueError(f"span is {self.span!r}; it must be finite, and 1 or more.")
        if not 1e-8 <= self.error <= 0.5:
            raise ValueError(f"error is {self.error!r}; it must lie between 1e-8 and 0.5.")

    @property
    def ratios(self) -> Float[np.ndarray, " terms"]:
        return np.exp(_nodes(self.span, self.error)[0])

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        if self.theta is not None:
            return ()
        row = Parameter(
            "theta",
            dist.Uniform(*EXPONENTS),
            start=0.5,
            edge=_nothing("theta"),
            support=Range(*EXPONENTS),
        )
        return (row,)

    def weights(self, params: Params) -> Float[Array, "*draws terms"]:
        logs, step = _nodes(self.span, self.error)
        theta = jnp.asarray(params["theta"] if self.theta is None else self.theta)[..., None]
        return step * jnp.exp(theta * logs - np.exp(logs) - gammaln(theta))

    def half_life(self, params: Params) -> Float[Array, "*draws"]:
        theta = jnp.asarray(params["theta"] if self.theta is None else self.theta)
        return 2 ** (1 / theta) - 1

    def max_error(self, theta: float) -> float:
        """Largest relative error of the sum for times up to `span * c`, on a fine grid."""
        return _error(*_nodes(self.span, self.error), self.span, theta)


def _nothing(name: str) -> Any:
    """A test of whether a parameter is 0 up to rounding."""
    return lambda params, data: np.asarray(params[name]) < 1e-6


def _error(logs: np.ndarray, step: float, span: float, theta: float) -> float:
    times = np.concatenate([[0.0], np.geomspace(1e-3, span, 1500)])
    rates = np.exp(logs)
    size = step * np.exp((1 + theta) * logs - rates - special.gammaln(1 + theta))
    found = np.exp(-np.multiply.outer(times, rates)) @ size
    return float(np.max(np.abs(found * (1 + times) ** (1 + theta) - 1)))


@functools.lru_cache
def _nodes(span: float, error: float) -> tuple[np.ndarray, float]:
    """Logarithms of the rates (in units of 1/c) and their step, with as few terms as possible."""
    small, large = (1 + theta for theta in EXPONENTS)
    share = error / 3  # a third of the error for each end, and for the step
    low = np.log(special.gammaincinv(small, share) / (1 + span))
    high = np.log(special.gammainccinv(large, share))
    for step in np.arange(2.5, 0.05, -0.02):
        logs = np.arange(low, high + step, step)
        if all(_error(logs, step, span, theta) <= error for theta in np.linspace(*EXPONENTS, 9)):
            return logs, float(step)
    raise ValueError(f"No sum of exponentials reaches an error of {error} over a span of {span}.")


EXPONENTIAL = Exponential()


def kernel_of(kernel: Any) -> Kernel:
    """The kernel by its name or by its `config()`, or itself.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(kernel, Kernel):
        return kernel
    if isinstance(kernel, Mapping) and kernel.get("kernel") in Kernel.kinds:
        return Kernel.kinds[kernel["kernel"]](**{k: v for k, v in kernel.items() if k != "kernel"})
    if kernel != "exponential":
        raise ValueError(
            f"kernel is {kernel!r}; it must be 'exponential', SumOfExponentials(...), "
            f"RisingExponential(...), PowerLaw(...) or a Kernel of your own."
        )
    return EXPONENTIAL
