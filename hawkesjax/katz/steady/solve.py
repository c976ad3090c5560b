"""The steady state of a Katz spike model, its radius and its ranking, for an `Activity`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax.core import Tracer
from scipy import sparse

from hawkesjax.core.cache import kept
from hawkesjax.core.kept import Kept
from hawkesjax.inputs.arguments import Count, Positive, checked, numbers
from hawkesjax.inputs.checks import counted, listed, short
from hawkesjax.inputs.warned import warn
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.rules import form_of
from hawkesjax.katz.steady.blockwise import ROUNDING, checked_sweep
from hawkesjax.katz.steady.components import active_component, comes_from_elsewhere
from hawkesjax.katz.steady.krylov import Effort
from hawkesjax.katz.steady.krylov_jax import Graph, katz_scores
from hawkesjax.katz.steady.radius import Radius, radius_bounds
from hawkesjax.katz.steady.top import Top, certified_top

GRID = tuple(round(0.05 * step, 2) for step in range(20))
# Judgements, not speed. At a relative distance of CLOSEST from the limit, scores grow 1e12-fold and
# the rounding of rho (ROUNDING there, 1e-13) decides a tenth of them; GAP is what the six digits
# that are printed of rho and alpha* would show; TOLERANCE, by the bytes of a number, is above the
# rounding of scores that are 1e6 (float64) or 100 (float32) times their baselines.
CLOSEST = 1e-12  # relative distance of alpha from its limit
GAP = 1e-6  # relative gap of the radius' bounds that is worth a word
TOLERANCE = {8: 1e-8, 4: 1e-5}  # of relative residuals


class KatzWarning(UserWarning):
    """A steady state, radius or ranking that is less certain than was asked for."""


def matrix_of(activity: Activity, form: str = "additive") -> sparse.csr_array:
    """A, or diag(b) A for the multiplicative form, on the host."""
    matrix, kind = activity.matrix, form_of(form)
    if not kind.multiplies:
        return matrix
    data = kind.weights(matrix.data, activity.baseline, activity.listener)
    shape = matrix.shape
    scaled = sparse.csr_array((data, matrix.indices.copy(), matrix.indptr.copy()), shape=shape)
    scaled.eliminate_zeros()  # users without posts hear nothing in this form
    return scaled


@checked
def radius(activity: Activity, *, form: str = "additive") -> Radius:
    """Spectral radius of the network, between proven bounds; kept with the activity.

    Args:
        activity: the network.
        form: `"additive"` for A, `"multiplicative"` for diag(b) A.

    Returns:
        value, lower, upper; `users`, the rows of the component that sets it; `acyclic` where no
        user can be reached from itself: then the radius is 0, every alpha is allowed, and alpha*
        has no meaning.

    Warns:
        KatzWarning: when the bounds are further apart than a millionth.
    """
    if _traced(activity, form):
        raise ValueError(
            "The spectral radius is found on the host, but the network is traced (under jit, grad "
            "or vmap). Find it before, with katz.radius(activity), and pass alpha=."
        )
    return _radius(activity, form)


@kept
def _radius(activity: Activity, form: str) -> Radius:
    bounds = radius_bounds(matrix_of(activity, form))
    if bounds.upper - bounds.lower > GAP * bounds.upper:
        warn(
            f"The spectral radius lies between {bounds.lower:.9g} and {bounds.upper:.9g}, no "
            f"closer: alpha* is uncertain to that degree.",
            KatzWarning,
        )
    return bounds


def _traced(activity: Activity, form: str) -> bool:
    """Whether what decides the radius is traced."""
    edges = (activity.listener, activity.sender, activity.weight)
    needed = (*edges, activity.baseline) if form_of(form).multiplies else edges
    return any(isinstance(leaf, Tracer) for leaf in needed)


def attenuation(
    activity: Activity, alpha_star: Any, alpha: Any, form: str = "additive"
) -> tuple[Any, float | None]:
    """alpha for what a user gave, and the radius where it was needed.

    Raises:
        ValueError: unless exactly one of the two is given, is not negative and keeps the walks
            summable; for alpha* where the network has no cycle.
    """
    if (alpha_star is None) == (alpha is None):
        raise ValueError("Give one of alpha_star= (alpha times the spectral radius) and alpha=.")
    given, name = (alpha, "alpha") if alpha_star is None else (alpha_star, "alpha_star")
    traced = isinstance(given, Tracer)
    if not traced:
        given = numbers(given, name)
        if not np.isfinite(given).all() or (given < 0).any():
            raise ValueError(f"{name} is {short(given)}; it must be a number of at least 0.")
    if alpha_star is None:
        if traced or _traced(activity, form):
            return given, None
        rho = radius(activity, form=form)
        if (given * rho.lower >= 1 - CLOSEST).any():
            raise ValueError(
                f"alpha is {short(given)}, but the sum over walks is finite only below "
                f"1 / {rho.value:.6g} = {1 / rho.value:.6g} (the spectral radius is "
                f"{rho.value:.6g}). Take less."
            )
        return given, rho.value
    if not traced and (given >= 1).any():
        raise ValueError(
            f"alpha_star is {short(given)}; the steady state exists only for alpha_star below 1."
        )
    rho = radius(activity, form=form)
    if rho.acyclic:
        raise ValueError(
            "No user of this network can be reached from itself, so its spectral radius is 0 and "
            "alpha_star has no meaning: every alpha is allowed. Give alpha= itself."
        )
    if not traced and np.any(given) and not isinstance(activity.baseline, Tracer):
        said = _elsewhere(activity, form)
        if said is not None:
            warn(said(float(np.max(given))), KatzWarning)
    return given / rho.value, rho.value


@kept
def _elsewhere(activity: Activity, form: str) -> Callable[[float], str] | None:
    """Words for an alpha* whose radius is not that of where the activity is; else None."""
    rho, b = radius(activity, form=form), np.asarray(activity.baseline, np.float64)
    active = active_component(matrix_of(activity, form), b)
    if not comes_from_elsewhere(rho, active, b):
        return None
    size, posts = len(rho.users), b[rho.users].sum() / b.sum()
    names = listed(activity.user_names.take(rho.users), 3)
    first = (
        f"The spectral radius, {rho.value:.4g}, is that of {counted(size, 'user')} who listen to "
        f"each other ({names}) and make {100 * posts:.1f} % of the posts"
    )
    if active is None:
        return lambda star: (
            f"{first}; no other users who post listen to each other, and alpha_star means nothing "
            f"to them. Pass alpha=, or leave those users out of the network."
        )
    inside, share = active.radius.value, active.posts / b.sum()
    return lambda star: (
        f"{first}; that of the {counted(len(active.users), 'user')} who hold the activity "
        f"({100 * share:.1f} % of the posts) is {inside:.4g}, so that alpha_star {star:.4g} is "
        f"{star * inside / rho.value:.4g} there. Take by_component (katz.by_component(activity)) "
        f"for an alpha_star by component, or leave those users out of the network."
    )


def sweep_grid(
    activity: Activity, alpha_star: Any, alpha: Any, form: str, *, zero: bool = False
) -> tuple[str, np.ndarray, np.ndarray]:
    """The name of a sweep, its values (`GRID` by default; with `zero` in order, 0 first), and
    alpha."""
    if alpha_star is None and alpha is None:
        alpha_star = GRID
    name = "alpha_star" if alpha is None else "alpha"
    rows = np.atleast_1d(numbers(alpha_star if alpha is None else alpha, name))
    if not rows.size:
        raise ValueError(f"{name} is empty; give one or more.")
    if zero:
        rows = np.unique(np.append(rows, 0.0))
    alphas, _ = attenuation(activity, *((rows, None) if alpha is None else (None, rows)), form)
    return name, rows, np.asarray(alphas)


@checked
def solve(
    activity: Activity,
    *,
    alpha_star: Any = None,
    alpha: Any = None,
    form: str = "additive",
    tolerance: Positive | None = None,
    backend: str = "auto",
    limit: Count = 2000,
) -> Any:
    r"""Steady states :math:`(I - \alpha A) s^* = b`, one row of scores per alpha.

    All alphas share one Krylov basis, which grows until the relative residual of each is at most
    the tolerance. Each is formed anew from the scores; where rounding spoils them (communities
    that listen to each other in a row, each many times louder than the one before), they are
    solved by strongly connected component (`"scipy"`). Differentiable in alpha, the baselines and
    the weights on the `"jax"` backend, which is taken where one of them is traced.

    Args:
        activity: network and baselines.
        alpha_star: alpha times the spectral radius, one or many, in [0, 1).
        alpha: alpha itself, instead; below 1 over the spectral radius.
        form: `"additive"`, or `"multiplicative"` with diag(b) A in the place of A.
        tolerance: of each relative residual, by norm or, where scores are far larger than b, by
            user; 1e-8 in float64, 1e-5 in float32.
        backend: `"scipy"` (host, float64), `"jax"` (device, in jax's precision), or `"auto"`: jax
            on an accelerator or under a transformation, else scipy, whose sparse product is
            faster on a CPU.
        limit: products with A at most, for one basis (`"scipy"`).

    Returns:
        Scores of shape `alpha.shape + (N,)`: one row per alpha; one vector for a single number.

    Raises:
        ValueError: for alpha that is negative, or too large for a steady state; alpha* on a
            network without cycles.

    Warns:
        KatzWarning: when the tolerance is not reached.

    Example:
        >>> listens = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
        >>> activity = hj.Activity.from_matrix(listens, np.array([3, 1, 0]))
        >>> hj.katz.solve(activity, alpha_star=[0.0, 0.5, 0.9]).shape
        (3, 3)

    Source: Higham, Grindrod, Mantzaris, Otley and Laflin. Their alpha* is printed as a quotient;
    only the product with the spectral radius is at most 1.
    """
    kind = form_of(form)
    alphas, _ = attenuation(activity, alpha_star, alpha, form)
    leaves = (alphas, activity.baseline, activity.weight, activity.listener, activity.sender)
    traced = any(isinstance(leaf, Tracer) for leaf in leaves)
    if backend == "auto":
        backend = "jax" if traced or jax.default_backend() != "cpu" else "scipy"
    if backend == "scipy":
        if traced:
            raise ValueError(
                "backend='scipy' cannot be traced. Pass backend='jax' or leave it out."
            )
        rows = np.atleast_1d(alphas).ravel()
        b, goal = np.asarray(activity.baseline, np.float64), tolerance or TOLERANCE[8]
        matrix = matrix_of(activity, form)
        sweep = checked_sweep(matrix, b, rows, Effort(goal, limit))
        warn_left(sweep.residuals, goal)
        return sweep.scores.reshape(*np.shape(alphas), activity.num_users)
    if backend != "jax":
        raise ValueError(f"backend is {backend!r}; it must be 'auto', 'scipy' or 'jax'.")
    b, weight = jnp.asarray(activity.baseline, float), jnp.asarray(activity.weight, float)
    listener, sender = jnp.asarray(activity.listener), jnp.asarray(activity.sender)
    weight = kind.weights(weight, b, listener)
    rows = jnp.atleast_1d(jnp.asarray(alphas, b.dtype)).ravel()
    goal = tolerance or TOLERANCE[b.dtype.itemsize]
    scores, left = _jitted(Graph(listener, sender, weight), b, rows, goal)
    if not isinstance(left, Tracer):
        warn_left(np.asarray(left), goal)
    return scores.reshape(*jnp.shape(alphas), activity.num_users)


_jitted = jax.jit(katz_scores, static_argnums=3)


def warn_left(residuals: np.ndarray, tolerance: float) -> None:
    """Say so where true residuals are above the tolerance."""
    worst = float(np.max(residuals, initial=0.0))
    if not worst <= max(tolerance, ROUNDING):
        warn(
            f"The relative residual is {worst:.1e} at worst, above the tolerance of "
            f"{tolerance:.0e}, so scores are not exact: alpha is very close to its limit, limit= "
            f"too small, or the network beyond single precision (then take backend='scipy').",
            KatzWarning,
        )


@dataclass(frozen=True, eq=False, repr=False)
class Ranking(Kept):
    """The users with the largest scores, and how sure that is of this network and alpha.

    What is proven is the arithmetic: no other user's score can be larger. How well scores tell who
    will be active is another question, which `katz.evaluate` asks of a spike that came.

    Args:
        table: one row per rank, 1 first: user, score, lower and upper bound of the score, baseline
            (posts in business as usual), tied (its place at the cut is shared).
        certified: whether nobody else can belong to the top.
        tied: how many users share the last places; 0 where the cut is certain.
        products: products with the network that this took, the bounds' included.
        alpha: attenuation.
        alpha_star: alpha times the spectral radius; None for a network without cycles.
    """

    table: pd.DataFrame
    certified: bool
    tied: int
    products: int
    alpha: float
    alpha_star: float | None

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by name."""
        return {"table": self.table}

    def __repr__(self) -> str:
        star = "" if self.alpha_star is None else f"alpha* = {self.alpha_star:.4g}, "
        sure = "computed for certain" if self.certified else "computed, not for certain"
        if self.tied:
            sure += f": {self.tied} users share the last places"
        return (
            f"Ranking: top {len(self.table)} at {star}alpha = {self.alpha:.4g}, {sure} "
            f"({self.products} products)\n{self.table.head(10)}"
        )


@checked
def rank(
    activity: Activity,
    *,
    alpha_star: float | None = None,
    alpha: float | None = None,
    top: Count = 100,
    form: str = "additive",
    order: bool = False,
) -> Ranking:
    """Whom the model expects to be most active in a spike, with proof of the arithmetic.

    Products stop once the bounds of the scores leave no doubt about who belongs to the top. Users
    with the same score at the cut are reported as tied, in the order of the network's users.

    Args:
        activity: network and baselines.
        alpha_star, alpha, form: as in `solve`; one number.
        top: how many users.
        order: also make sure of the order within the top (but for exact ties).

    Raises:
        ValueError: as `solve`, or for a top of no users.

    Warns:
        KatzWarning: when the scores could not be bounded, or an order asked for is not certain.
    """
    attenuated, _ = attenuation(activity, alpha_star, alpha, form)
    if np.ndim(attenuated):
        raise ValueError("rank takes one alpha_star or alpha; katz.sweep takes many.")
    rho = radius(activity, form=form)
    largest = np.inf if rho.acyclic else 1 / rho.upper
    b, one = np.asarray(activity.baseline), float(attenuated)
    result = certified_top(matrix_of(activity, form), b, one, top, largest=largest, order=order)
    if not np.isfinite(result.upper).all():
        warn(
            "alpha is so close to its limit that no bound of the scores was found: the scores "
            "are solved for, but who belongs to the top is not proven. Take less.",
            KatzWarning,
        )
    elif not result.certified and not result.tied.any():
        warn("Which scores are the top is certain, but not their order.", KatzWarning)
    star = None if rho.acyclic else one * rho.value
    return ranking_of(result, activity.user_names.take(result.users).index, b, one, star)


def ranking_of(result: Top, names: Any, b: np.ndarray, alpha: float, star: float | None) -> Ranking:
    """The ranking of a top whose users have these names."""
    users = result.users
    table = pd.DataFrame(
        {
            "user": names,
            "score": result.scores[users],
            "lower": result.lower[users],
            "upper": result.upper[users],
            "baseline": b[users],
            "tied": result.tied[users],
        },
        index=pd.RangeIndex(1, len(users) + 1, name="rank"),
    )
    return Ranking(table, result.certified, int(result.tied.sum()), result.products, alpha, star)
