"""Exact simulation by clusters, a whole generation at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.linalg import expm

from hawkesjax.data import EventPanel
from hawkesjax.data.clock import UNITS
from hawkesjax.models.hawkes import Hawkes
from hawkesjax.models.prepared import same_gamma
from hawkesjax.models.verbs import simulate

MAX_CLUSTER = 100.0
MAX_EXPECTED = 1e9
MAX_DRAWN = 1e9


@simulate.register
def simulate_hawkes(
    model: Hawkes,
    params: Any,
    *,
    window: Any,
    key: Array,
    num_sequences: int | None = None,
    sequence_names: Sequence[str] | None = None,
    mark_names: Sequence[str] | None = None,
    unit: str = "",
    origin: str | None = None,
    max_events: int | None = None,
) -> EventPanel:
    """Draw a panel from a Hawkes model; every sequence starts with an empty past.

    Args:
        model: a `Hawkes` model.
        params: natural parameters `mu` (M, D) or (D,), `alpha` (D, D), `gamma` by the model's
            decay; or an `Estimate`.
        window: (start, end), or one such pair per sequence, in the time unit of the parameters.
        key: PRNG key; the same key gives the same panel.
        num_sequences: needed only where neither `mu`, `window` nor `sequence_names` tells it.
        sequence_names, mark_names: names; "0", "1", ... by default.
        unit: the time unit's name, for tables and pictures.
        origin: ISO date and time of time 0, when there is one.
        max_events: give up with an error, never with a truncated panel, beyond this many events.

    Returns:
        An `EventPanel`, sorted.

    Raises:
        ValueError: for parameters that are negative, not finite or of the wrong shape; for
            clusters that would grow beyond all use (spectral radius of alpha at or above 1 over
            a long window) without `max_events`; for more events than `max_events`.

    Example:
        >>> truth = {"mu": [0.3, 0.1], "alpha": [[0.5, 0.1], [0.2, 0.3]], "gamma": 2.0}
        >>> hj.simulate(hj.Hawkes(decay="shared"), truth, window=(0, 100), key=jax.random.key(0))
    """
    params = getattr(params, "params", params)
    if not isinstance(params, Mapping):
        raise ValueError(
            f"params must be a dict of arrays or an Estimate, not {type(params).__name__}; "
            f"of a posterior, give one draw or its mean."
        )
    given = dict(params)
    fixed = getattr(model, "gamma", None)
    if fixed is not None and not same_gamma(fixed, given.setdefault("gamma", fixed)):
        raise ValueError(f"The model's gamma is fixed at {fixed}; leave it out of the parameters.")
    if "mu" not in given and "mu_median" in given:
        given["mu"] = np.asarray(model.baselines(given))
    missing = [name for name in ("mu", "alpha", "gamma") if name not in given]
    if missing:
        raise ValueError(f"params lack {', '.join(missing)}; they need mu, alpha and gamma.")
    if origin is not None and unit not in UNITS:
        raise ValueError(
            f"With an origin, unit must be one of {', '.join(map(repr, UNITS))}; got {unit!r}."
        )
    windows = _windows(window)
    mu, alpha, gamma = _parameters(given)
    num = _count(
        mu=None if mu.ndim == 1 else len(mu),
        window=None if windows.ndim == 1 else len(windows),
        sequence_names=None if sequence_names is None else len(sequence_names),
        num_sequences=num_sequences,
    )
    mu = np.broadcast_to(mu, (num, len(alpha)))
    windows = np.broadcast_to(windows, (num, 2))
    start = np.ascontiguousarray(windows[:, 0])
    duration = windows[:, 1] - windows[:, 0]
    marks = _names(mark_names, len(alpha), "mark")
    sequences = _names(sequence_names, num, "sequence")

    times, kinds, owners = simulate_clusters(
        mu, alpha, gamma, duration, generator(key), max_events=max_events
    )
    return _panel(times, kinds, owners, start, duration, marks, sequences, unit, origin)


def simulate_clusters(
    mu: Float[np.ndarray, "sequences marks"],
    alpha: Float[np.ndarray, "marks marks"],
    gamma: Float[np.ndarray, "..."],
    duration: Float[np.ndarray, "sequences"],
    rng: np.random.Generator,
    *,
    max_events: int | None = None,
    inherited: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
) -> tuple[Float[np.ndarray, "events"], Int[np.ndarray, "events"], Int[np.ndarray, "events"]]:
    r"""Draw the events of independent Hawkes processes as Poisson cluster processes.

    Immigrants of mark i in sequence m are Poisson with rate `mu[m, i]` on [0, T_m]. Each event
    of mark j then has Poisson(`alpha[i, j]`) children of mark i, at independent delays with
    density `gamma[i, j] exp(-gamma[i, j] s)`. The children of n parents are drawn together: their
    number is Poisson(`alpha[i, j] n`), and each picks its parent uniformly, which is the same
    law. A child beyond the window's end is dropped with its descendants, which are later still.

    Args:
        mu: immigrants per unit of time.
        alpha: expected direct children, row = target.
        gamma: decay rates, (D, D), (D,) by source, or a scalar; 1 / unit of time.
        duration: length of each sequence's window.
        rng: source of randomness.
        max_events: cap on the number of events.
        inherited: times, marks and sequences of events inside the windows that a known past
            sets off; they have offspring as immigrants have.

    Returns:
        Times since the start of each event's window, marks, sequences; sorted by sequence and
        time.

    Raises:
        ValueError: see `simulate_hawkes`.

    Source: Hawkes and Oakes (1974), J. Appl. Prob. 11, 493-503.
    """
    num = len(alpha)
    gamma = np.broadcast_to(gamma, (num, num)).ravel()
    expected = mu * duration[:, None]
    if max_events is None:
        _refuse_explosion(expected.sum(axis=0), alpha, gamma, duration)
    elif max_events < 0:
        raise ValueError(f"max_events is {max_events}; it cannot be negative.")
    cap = np.inf if max_events is None else max_events
    if expected.sum() > max(10 * cap, MAX_EXPECTED):
        raise _over(cap, 0, 0, alpha, f"about {expected.sum():.3g} immigrants alone are expected")

    # Immigrants, grouped by mark as every later generation is.
    counts = rng.poisson(expected.T)
    _check(counts.sum(), cap, 0, 0, alpha)
    marks = np.repeat(np.arange(num, dtype=np.int32), counts.sum(axis=1))
    owners = np.tile(np.arange(len(mu), dtype=np.int32), num)
    sequence = np.repeat(owners, counts.ravel())
    times = rng.random(len(marks)) * duration[sequence]
    if inherited is not None:
        parts = zip((times, marks, sequence), inherited, strict=True)
        times, marks, sequence = (np.concatenate(part) for part in parts)
        grouped = np.argsort(marks, kind="stable")
        times, marks, sequence = times[grouped], marks[grouped], sequence[grouped]

    generations = [(times, marks, sequence)]
    total = len(times)
    targets: np.ndarray = np.repeat(np.arange(num, dtype=np.int32), num)
    sources = np.tile(np.arange(num), num)
    while len(times):
        sizes = np.bincount(marks, minlength=num)
        offsets = np.cumsum(sizes) - sizes
        children = rng.poisson((alpha * sizes).ravel())
        if children.sum() > max(MAX_DRAWN, 2 * cap):
            raise _over(cap, len(generations), total, alpha, f"{children.sum()} children follow")
        pair = np.repeat(np.arange(num * num), children)
        source: np.ndarray = sources[pair]
        parent = offsets[source] + (rng.random(len(pair)) * sizes[source]).astype(np.int64)
        at = times[parent] + rng.standard_exponential(len(pair)) / gamma[pair]
        owner: np.ndarray = sequence[parent]
        inside: np.ndarray = at <= duration[owner]
        times, marks, sequence = at[inside], targets[pair][inside], owner[inside]
        _check(total + len(times), cap, len(generations), total, alpha)
        total += len(times)
        generations.append((times, marks, sequence))

    times, marks, sequence = (np.concatenate(part) for part in zip(*generations, strict=True))
    order = np.argsort(times)
    if len(mu) > 1:
        order = order[np.argsort(sequence[order], kind="stable")]
    return times[order], marks[order], sequence[order]


def generator(key: Array) -> np.random.Generator:
    """A NumPy generator seeded by a jax key.

    Raises:
        ValueError: when `key` is not one PRNG key.
    """
    try:
        data = np.asarray(jax.random.key_data(key))
    except (TypeError, ValueError, AttributeError):
        data = np.empty((0, 0))
    if data.ndim != 1 or not np.issubdtype(data.dtype, np.unsignedinteger):
        raise ValueError("key must be one PRNG key, such as jax.random.key(0).")
    return np.random.default_rng(data)


def _refuse_explosion(immigrants, alpha, gamma, duration) -> None:
    """A bound on the mean cluster: with the fastest decay everywhere, children come earlier."""
    if not immigrants.sum() > 0:
        return
    num = len(alpha)
    radius = float(np.max(np.abs(np.linalg.eigvals(alpha))))
    if radius < 1:
        sizes = np.linalg.solve((np.eye(num) - alpha).T, np.ones(num))
    else:
        span = min(float(gamma.max() * duration.max()), 1e6)
        with np.errstate(over="ignore", invalid="ignore"):
            sizes = _cluster_sizes(alpha, span)
        largest = sizes[immigrants > 0].max()
        if largest > MAX_CLUSTER:
            size = f"{largest:.3g} events" if np.isfinite(largest) else "events without bound"
            raise ValueError(
                f"alpha has spectral radius {radius:.4g}, at or above 1: over a window this long "
                f"one immigrant may bring {size} on average. Shorten the window, reduce alpha, "
                f"or set max_events to accept the risk."
            )
    expected = float(sizes @ immigrants)
    if expected > MAX_EXPECTED:
        raise ValueError(
            f"About {expected:.3g} events are expected. Shorten the window, reduce mu or alpha, "
            f"or set max_events to accept the risk."
        )


def _cluster_sizes(alpha, span) -> np.ndarray:
    r"""Mean cluster size by the immigrant's mark, for one decay rate.

    `1^T (I + alpha \int_0^span exp((alpha - I) s) ds)`, s in units of the memory.
    """
    num = len(alpha)
    eye = np.eye(num)
    growth = alpha - eye
    if np.max(np.linalg.eigvals(growth).real) * span < 300:
        block = np.zeros((2 * num, 2 * num))
        block[:num, :num], block[:num, num:] = growth, eye
        return np.sum(eye + alpha @ expm(block * span)[:num, num:], axis=0)
    reach = (eye + alpha) > 0
    for _ in range(num.bit_length()):
        reach = reach @ reach
    sizes = np.full(num, np.inf)
    for mark, reached in enumerate(reach.T):
        part = alpha[np.ix_(reached, reached)]
        if np.max(np.abs(np.linalg.eigvals(part))) < 1:
            total = np.linalg.solve((np.eye(len(part)) - part).T, np.ones(len(part)))
            sizes[mark] = total[np.count_nonzero(reached[:mark])]
    return sizes


def _check(total, cap, generation, before, alpha) -> None:
    if total > cap:
        raise _over(cap, generation, before, alpha, f"the next one brings them to {total}")


def _over(cap, generation, before, alpha, what) -> ValueError:
    radius = float(np.max(np.abs(np.linalg.eigvals(alpha)), initial=0.0))
    return ValueError(
        f"More than max_events = {cap:.12g} events: {before} in {generation} generations, "
        f"{what}, and the spectral radius of alpha is {radius:.4g}. Raise max_events, shorten the "
        f"window, or reduce mu or alpha. Nothing was returned: a truncated panel would be biased."
    )


def _parameters(given):
    arrays = {}
    for name in ("mu", "alpha", "gamma"):
        try:
            value = np.asarray(given[name], np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} is not an array of numbers: {error}.") from error
        if not np.all(np.isfinite(value)):
            raise ValueError(f"{name} is not finite: {value.ravel()[:6].tolist()} ...")
        wrong = value <= 0 if name == "gamma" else value < 0
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


def _windows(window):
    try:
        windows = np.asarray(window, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"window must be numbers (start, end): {error}.") from error
    if windows.ndim not in (1, 2) or windows.shape[-1] != 2:
        raise ValueError(
            f"window has shape {windows.shape}; give (start, end), or one pair per sequence."
        )
    bad = ~np.isfinite(windows).all(axis=-1) | (windows[..., 1] < windows[..., 0])
    if np.any(bad):
        first = windows if windows.ndim == 1 else windows[np.argmax(bad)]
        raise ValueError(f"window {first.tolist()} must be finite and end at or after its start.")
    return windows


def _count(*, num_sequences, **told) -> int:
    sizes = {name: size for name, size in told.items() if size is not None}
    if num_sequences is not None:
        sizes["num_sequences"] = int(num_sequences)
    distinct = set(sizes.values())
    if "mu" in sizes and sizes["mu"] == 1 and len(distinct) > 1:
        del sizes["mu"]  # one row serves every sequence
        distinct = set(sizes.values())
    if len(distinct) > 1:
        said = ", ".join(f"{name} says {size}" for name, size in sizes.items())
        raise ValueError(f"The number of sequences is not clear: {said}.")
    count = distinct.pop() if distinct else 1
    if count < 0:
        raise ValueError(f"num_sequences is {count}; it cannot be negative.")
    return count


def _names(names, count, what) -> tuple[str, ...]:
    names = tuple(map(str, range(count) if names is None else names))
    if len(names) != count:
        raise ValueError(f"{len(names)} {what} names for {count} {what}s.")
    if len(set(names)) != count:
        raise ValueError(f"{what} names repeat; each must be its own.")
    return names


def _panel(times, marks, sequence, start, duration, mark_names, sequence_names, unit, origin):
    gaps = np.diff(times, prepend=0.0)
    first = np.diff(sequence, prepend=-1) != 0
    gaps[first] = times[first]
    return EventPanel(
        times=times,
        gaps=gaps,
        remaining=duration[sequence] - times,
        marks=marks,
        sequence=sequence,
        start=start,
        duration=duration,
        mark_names=mark_names,
        sequence_names=sequence_names,
        unit=unit,
        origin=origin,
    )
