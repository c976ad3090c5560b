"""Exact simulation: by clusters, a whole generation at a time; with a link, by thinning."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Array

from hawkesjax.core.draws import params_of
from hawkesjax.core.random import generator
from hawkesjax.hawkes.background import immigrants
from hawkesjax.hawkes.clusters import Terms, simulate_clusters
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.data.rounding import rounded
from hawkesjax.hawkes.inherited import inherited
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.offspring import Offspring, Pools, pools_of, read_pools
from hawkesjax.hawkes.prepared import same_gamma
from hawkesjax.hawkes.thinning import paths_of, thinned
from hawkesjax.inputs.arguments import Count, Key, Positive, Whole, checked
from hawkesjax.inputs.checks import kind_of_value, listed_once
from hawkesjax.inputs.clock import UNITS
from hawkesjax.inputs.windows import count_of


@checked
def simulate(
    model: HawkesLaw,
    params: Any,
    *,
    window: Any,
    gaps: Any = None,
    exposure: Any = None,
    resolution: Positive | None = None,
    magnitudes: Any = None,
    key: Key,
    num_sequences: Whole | None = None,
    sequence_names: Sequence[str] | None = None,
    mark_names: Sequence[str] | None = None,
    unit: str = "",
    origin: str | None = None,
    max_events: Count | None = None,
) -> EventPanel:
    """Draw a panel from a Hawkes model; every sequence starts with an empty past.

    Args:
        model: a `Hawkes` model.
        params: natural parameters `mu` (M, D) or (D,), `alpha` (D, D), `gamma` by the model's
            decay, and the model's others: `beta` (D, F), those of its kernel; or an `Estimate`.
            Rates are per unit of time.
        window: (start, end), or one such pair per sequence, in the time unit of the parameters.
        gaps: stretches of the record in which nothing is observed, as in `EventPanel.from_arrays`;
            events there are drawn, excite later ones, and are left out.
        exposure: a known factor on the baselines over time, as in `EventPanel.from_arrays`.
        resolution: the step to which times are recorded, in the time unit; exact by default.
        magnitudes: for a model that scales effects by magnitude, the sizes to draw from, with
            replacement: numbers, or a dict of numbers by mark name.
        key: PRNG key; the same key gives the same panel.
        num_sequences: needed only if none of `mu`, `window` and `sequence_names` determines it.
        sequence_names, mark_names: names; "0", "1", ... by default.
        unit: the time unit's name, for tables and figures.
        origin: ISO date and time of time 0, when there is one; with covariates, unit and origin
            are theirs by default.
        max_events: raise an error beyond this many events; a panel is never truncated.

    Returns:
        An `EventPanel`, sorted.

    Raises:
        ValueError: for parameters that are negative, not finite or of the wrong shape; for
            clusters whose expected size is too large (spectral radius of alpha at or above 1 over
            a long window) without `max_events`; for more events than `max_events`.

    Example:
        >>> truth = {"mu": [0.3, 0.1], "alpha": [[0.5, 0.1], [0.2, 0.3]], "gamma": 2.0}
        >>> model = hj.Hawkes(decay="shared")
        >>> panel = hj.simulate(model, truth, window=(0, 100), key=jax.random.key(0))
    """
    given = _natural(model, params)
    known = model.background.covariates
    if known is not None and origin is None:
        unit, origin = unit or known.unit, known.origin
    if origin is not None and unit not in UNITS:
        raise ValueError(
            f"With an origin, unit must be one of {', '.join(map(repr, UNITS))}; got {unit!r}."
        )
    mu, alpha, _ = _parameters(given, signed=model.link != "identity")
    window = np.asarray(window) if isinstance(window, Array) else window
    named = None if sequence_names is None else _listed(sequence_names, "sequence_names")
    num = _count(
        mu=None if mu.ndim == 1 else len(mu),
        window=count_of(window),
        sequence_names=None if named is None else len(named),
        num_sequences=num_sequences,
    )
    marks = range(len(alpha)) if mark_names is None else _listed(mark_names, "mark_names")
    if len(marks) != len(alpha):
        raise ValueError(f"{len(marks)} mark names for {len(alpha)} marks.")
    empty = EventPanel.from_arrays(
        [],
        [],
        sequence=[],
        window=window,
        gaps=gaps,
        exposure=exposure,
        resolution=resolution,
        mark_names=marks,
        sequence_names=range(num) if named is None else named,
        unit=unit,
    )
    pools = read_pools(magnitudes, model, empty.mark_names)
    return _drawn(model, given, replace(empty, origin=origin), key, max_events, pools)


def simulate_like(
    model: HawkesLaw, params: Any, panel: EventPanel, *, key: Array, max_events: int
) -> EventPanel:
    """A panel in the windows of another, with its gaps, exposure, history, names and clock;
    magnitudes are drawn from those of its events."""
    return _drawn(model, _natural(model, params), panel, key, max_events, pools_of(panel))


def _natural(model: HawkesLaw, params: Any) -> dict[str, Any]:
    """The model's natural parameters, including mu of its hierarchy and a fixed gamma.

    Raises:
        ValueError: if one is missing, or gamma differs from the fixed one.
    """
    given: dict[str, Any] = dict(params_of(params))
    fixed = model.gamma
    if fixed is not None and not same_gamma(fixed, given.setdefault("gamma", fixed)):
        raise ValueError(f"The model's gamma is fixed at {fixed}; leave it out of the parameters.")
    if "mu" not in given and "mu_median" in given:
        given["mu"] = np.asarray(model.background.level(given))
    missing = [name for name in model.natural if name not in given]
    if missing:
        names = ", ".join(model.natural)
        raise ValueError(f"params have no {', '.join(missing)}; they need {names}.")
    if model.background.levels is None:
        given["mu"] = np.ones(len(np.atleast_1d(given["alpha"])))
    return given


def _drawn(
    model: HawkesLaw,
    given: dict[str, Any],
    empty: EventPanel,
    key: Any,
    max_events: int | None,
    pools: Pools,
) -> EventPanel:
    """Draw the events of a panel; its own events are replaced."""
    mu, alpha, gamma = _parameters(given, signed=model.link != "identity")
    num, size = empty.num_sequences, len(alpha)
    duration, past, rng = empty.duration, empty.history, generator(key)
    if model.link != "identity":
        return _by_thinning(model, [given], empty, rng, max_events)[0]
    known = model.background.covariates
    if known is not None:
        given = given | {"beta": _beta(given, (size, known.num_features))}
    one = {**given, "mu": np.broadcast_to(mu, (num, size))}
    mu, place = immigrants(model.background, one, empty, np.zeros(num), duration)
    terms, born = terms_of(model, given), None
    offspring = Offspring.of(model, given, empty, pools, empty.start)
    if len(past):
        rates = np.broadcast_to(gamma, (1, size, size))
        before = past.age, past.marks, past.sequence
        scaled: tuple[Any, ...] = ()
        if offspring is not None:
            own = -past.age, past.marks, past.sequence, past.magnitude
            scaled = offspring.factors(*own), offspring.lag
            rates = offspring.rates(gamma)
        born = inherited(*before, alpha, rates, terms, duration, rng, *scaled)
    times, kinds, owners, sizes = simulate_clusters(
        mu,
        alpha,
        gamma,
        duration,
        rng,
        max_events=max_events,
        inherited=born,
        place=place,
        terms=terms,
        offspring=offspring,
    )
    return _seen(empty, times, kinds, owners, sizes if model.magnitude else None)


def simulate_together(
    model: HawkesLaw, draws: list[Any], panel: EventPanel, *, key: Array, max_events: int
) -> list[EventPanel]:
    """`simulate_like` for each draw of a model with a link: all run side by side."""
    given = [_natural(model, one) for one in draws]
    for one in given:
        _parameters(one, signed=True)
    return _by_thinning(model, given, panel, generator(key), max_events * len(draws))


def _by_thinning(
    model: HawkesLaw, given: list[Any], empty: EventPanel, rng: Any, max_events: int | None
) -> list[EventPanel]:
    past, num = empty.history, empty.num_sequences
    if model.background.covariates is not None:
        for one in given:
            _beta(one, (empty.num_marks, model.background.covariates.num_features))
    before = past.age, past.marks, past.sequence
    paths = paths_of(model, given, empty, before, empty.start, empty.duration)
    times, marks, owners = thinned(paths, rng, max_events=max_events)
    ends = np.searchsorted(owners, num * np.arange(len(given) + 1))
    return [
        _seen(empty, times[a:b], marks[a:b], owners[a:b] % np.int32(num), None)
        for a, b in itertools.pairwise(ends.tolist())
    ]


def _seen(empty: EventPanel, times: Any, marks: Any, sequence: Any, sizes: Any) -> EventPanel:
    """The panel with those of the sorted events that do not fall into its gaps."""
    if len(empty.gaps):
        seen = ~empty.gaps.holds(times, sequence)
        times, marks, sequence = times[seen], marks[seen], sequence[seen]
        sizes = None if sizes is None else sizes[seen]
    if empty.resolution:
        times = rounded(empty, times, sequence)
    waits = np.diff(times, prepend=0.0)
    first = np.diff(sequence, prepend=-1) != 0
    waits[first] = times[first]
    rest = empty.duration[sequence] - times
    columns = {"marks": marks, "sequence": sequence, "magnitude": sizes}
    return replace(empty, times=times, waits=waits, remaining=rest, **columns)


def _listed(names: Any, what: str) -> list[Any]:
    found = listed_once(names)
    if found is None:
        raise ValueError(f"{what} is {kind_of_value(names)}; it must be a list of names.")
    return found


def terms_of(model: HawkesLaw, params: Mapping[str, Any]) -> Terms:
    """Ratios and weights of the terms of a model's kernel."""
    return model.kernel.ratios, np.asarray(model.kernel.weights(params), np.float64)


def _beta(given, shape) -> np.ndarray:
    beta = np.asarray(given["beta"], np.float64)
    if beta.shape != shape or not np.all(np.isfinite(beta)):
        raise ValueError(f"beta must be finite, of shape {shape} (marks, features): {beta}.")
    return beta


def _parameters(given, *, signed: bool = False):
    arrays = {}
    for name in ("mu", "alpha", "gamma"):
        value = np.asarray(given[name], np.float64)
        if not np.all(np.isfinite(value)):
            raise ValueError(f"{name} is not finite: {value.ravel()[:6].tolist()} ...")
        wrong = value <= 0 if name == "gamma" else value < 0
        wrong = np.zeros_like(wrong) if signed and name == "alpha" else wrong
        if np.any(wrong):
            first = np.argwhere(wrong)[0].tolist()
            least = "above 0" if name == "gamma" else "0 or more"
            raise ValueError(f"{name}{first} is {value[tuple(first)]:.6g}; it must be {least}.")
        arrays[name] = value
    mu, alpha, gamma = arrays["mu"], arrays["alpha"], arrays["gamma"]
    if alpha.ndim != 2 or alpha.shape[0] != alpha.shape[1] or alpha.size == 0:
        raise ValueError(f"alpha has shape {alpha.shape}; it must be (marks, marks).")
    num = len(alpha)
    if mu.ndim not in (1, 2) or mu.shape[-1] != num:
        raise ValueError(
            f"mu has shape {mu.shape}; with {num} marks it must be (sequences, {num}) or ({num},)."
        )
    if gamma.shape not in ((), (num,), (num, num)):
        raise ValueError(
            f"gamma has shape {gamma.shape}; with {num} marks it must be ({num}, {num}), ({num},) "
            f"by source, or a number."
        )
    return mu, alpha, gamma


def _count(*, num_sequences, **given) -> int:
    sizes = {name: size for name, size in given.items() if size is not None}
    if num_sequences is not None:
        sizes["num_sequences"] = int(num_sequences)
    distinct = set(sizes.values())
    if "mu" in sizes and sizes["mu"] == 1 and len(distinct) > 1:
        del sizes["mu"]  # one row serves every sequence
        distinct = set(sizes.values())
    if len(distinct) > 1:
        claims = ", ".join(f"{name} gives {size}" for name, size in sizes.items())
        raise ValueError(f"The number of sequences is ambiguous: {claims}.")
    return distinct.pop() if distinct else 1
