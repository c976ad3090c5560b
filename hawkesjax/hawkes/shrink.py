"""Effects among many marks, shrunk towards none: a path of penalties and the choice among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import sparse

from hawkesjax.core.fit import fit
from hawkesjax.core.information import Solved
from hawkesjax.hawkes.concave import Target, improved
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.folds import Folds
from hawkesjax.hawkes.known_decays import can_solve, targets_of
from hawkesjax.hawkes.model import Hawkes
from hawkesjax.hawkes.results import HawkesEstimate
from hawkesjax.inputs.arguments import Count, Positive, checked

LEAST = 1e-3  # weakest penalty of a path, over the weakest that leaves no effect
NOTHING = 1e-6  # norm of a group's effects, over the largest, that is taken for 0 where it may be
ROUNDS = 50  # of adding sources that a penalty had left out


@dataclass(frozen=True)
class Shrunken:
    """What `shrink` found.

    Args:
        estimate: the estimate at the chosen penalty, in which most effects are exactly 0.
        path: a row for each penalty, strongest first: `penalty`, `effects` (how many are above 0),
            `log_likelihood` of all events, `score` (log-likelihood of the held-out folds), its
            `standard_error` over the folds, and `chosen`.
    """

    estimate: HawkesEstimate
    path: pd.DataFrame

    def __repr__(self) -> str:
        row = self.path[self.path["chosen"]].iloc[0]
        return (
            f"Shrunken({row['effects']:.0f} of {self.estimate.params['alpha'].size:,} effects, "
            f"penalty {row['penalty']:.4g})"
        )


@checked
def shrink(
    model: Hawkes,
    data: EventPanel,
    *,
    penalty: Literal["lasso", "group"] = "lasso",
    groups: Any = None,
    penalties: Any = None,
    steps: Count = 20,
    folds: Count = 5,
    rule: Literal["best", "one-se"] = "best",
    tol: Positive = 1e-7,
) -> Shrunken:
    r"""Fit effects with a penalty that sets most to 0, and choose its size on held-out time.

    With known decays the penalised log-likelihood is concave and splits by target; for target i

    .. math:: \ell_i(\mu, \alpha) - \kappa \sum_j \alpha_{ij}
              \qquad \text{or} \qquad
              \ell_i(\mu, \alpha) - \kappa \sum_g \sqrt{|g|}\, \| \alpha_{ig} \|_2

    (`"lasso"`, and `"group"`: the sources of a group affect a target together or not at all). The
    first is the posterior mode under independent priors Exponential(kappa). Each target is solved
    along the path from the strongest penalty down, with only the sources that matter there; the
    decayed counts of one target at a time are held in memory.

    The penalty is chosen by cross-validation: every window is cut into `folds` stretches of equal
    length, each is held out in turn, and the log-likelihood of its events given all before them is
    added up. A level without events in the other folds counts half an event.

    Args:
        model: with known decays (`gamma=`), a baseline by sequence or shared, and no link.
        data: an `EventPanel` without gaps, history, exposure, or resolution.
        penalty: `"lasso"` or `"group"`.
        groups: for `"group"`, the group of each mark, in the order of `mark_names` or by name.
        penalties: kappa, nats per expected child, in place of a path from the least that leaves no
            effect down to a thousandth of it.
        steps: penalties of that path.
        folds: stretches of time; 1 leaves out the choice, and takes the weakest penalty.
        rule: `"best"`, or `"one-se"`: the strongest penalty whose score lies within one standard
            error of the best.
        tol: largest derivative left, nats per event.

    Returns:
        The `Shrunken`: estimate and path.

    Raises:
        ValueError: for a model or data of another kind, penalties that are not above 0, groups that
            do not fit the marks.

    Source: Tibshirani (1996), JRSS B 58, 267-288; groups: Yuan and Lin (2006), JRSS B 68, 49-67;
    for Hawkes processes Hansen, Reynaud-Bouret and Rivoirard (2015), Bernoulli 21, 83-143.

    Example:
        >>> panel, _ = hj.datasets.spillover(key=jax.random.key(0), users=2, days=60)
        >>> found = hj.shrink(hj.Hawkes(gamma=2.0, baseline="shared"), panel, steps=5, folds=2)
        >>> found.path["effects"].is_monotonic_increasing
        True
    """
    model.check(data)
    _refuse(model, data)
    prepared = model.prepare(data)
    if int(prepared.num_events) == 0 or not can_solve(model, prepared):
        raise ValueError(
            "shrink needs events, a baseline by sequence or shared, priors of the default's "
            "support, and no fixed or tied entries."
        )
    labels = _labels(penalty, groups, data)
    cut = Folds.of(model, data, folds)
    if penalties is None:
        strongest = max(map(_strongest, (one for one, _ in _parts(model, prepared, labels))))
        known = max(strongest, 1e-12) * np.geomspace(1, LEAST, steps)
    else:
        known = np.sort(np.ravel(np.asarray(penalties, np.float64)))[::-1]
    if not (known.size and np.all(np.isfinite(known) & (known > 0))):
        raise ValueError(f"penalties is {penalties!r}; they must be finite and above 0.")
    limit = tol * int(prepared.num_events)
    logs, scores = np.zeros(len(known)), np.zeros((folds, len(known)))
    values: list[Any] = []
    left = 0.0
    for i, (target, events) in enumerate(_parts(model, prepared, labels)):
        whole, worst = _path(target, known, limit)
        values.append(sparse.csr_array(whole))
        logs += _logs(target, whole)
        left, levels = max(left, worst), len(target.exposure)
        for f in range(folds if folds > 1 else 0):
            train, test = cut.split(target, events, i, f)
            scores[f] += _logs(test, _with_levels(train, _path(train, known, limit)[0]))
    counts = np.sum([(v[:, levels:] != 0).sum(axis=1) for v in values], axis=0)
    chosen = _choice(scores, rule) if folds > 1 else len(known) - 1
    path = pd.DataFrame(
        {
            "penalty": known,
            "effects": np.asarray(counts, int),
            "log_likelihood": logs,
            "score": scores.sum(axis=0) if folds > 1 else np.nan,
            "standard_error": scores.std(axis=0, ddof=1) * np.sqrt(folds) if folds > 1 else np.nan,
            "chosen": np.arange(len(known)) == chosen,
        }
    )
    best = np.stack([v[[chosen]].toarray()[0] for v in values])
    return Shrunken(_estimate(model, data, best, levels, logs[chosen], left, path), path)


def _refuse(model: Any, data: EventPanel) -> None:
    if not isinstance(model, Hawkes):
        raise ValueError(f"model is {type(model).__name__}; shrink is for Hawkes.")
    if model.gamma is None or model.link != "identity":
        raise ValueError(
            "shrink needs known decays, gamma=, and link='identity'. A fit with tied effects, "
            'tied={"alpha": "off-diagonal"}, learns a decay from few parameters.'
        )
    if len(data.gaps) or len(data.history) or len(data.exposure) or data.resolution:
        raise ValueError("shrink is for panels without gaps, history, exposure or a resolution.")


def _labels(penalty: str, groups: Any, data: EventPanel) -> np.ndarray | None:
    if (penalty == "group") != (groups is not None):
        raise ValueError('groups= goes with penalty="group": give both, or neither.')
    if groups is None:
        return None
    names = list(data.mark_names)
    if isinstance(groups, Mapping):
        missing = [name for name in names if name not in groups]
        if missing:
            raise ValueError(f"groups has no {missing[0]!r}; it must name every mark.")
        groups = [groups[name] for name in names]
    if len(groups) != len(names):
        raise ValueError(f"groups has {len(groups)} entries; the data have {len(names)} marks.")
    return np.unique(np.asarray(groups).astype(str), return_inverse=True)[1]


def _parts(model: Any, prepared: Any, labels: np.ndarray | None) -> Any:
    for target, events in targets_of(model, {}, prepared):
        yield replace(target, groups=labels), events


def _gain(target: Target, values: np.ndarray) -> np.ndarray:
    """Slope of the log-likelihood in each effect."""
    return (1 / target.intensity(values)) @ target.rates - target.children


def _bare(target: Target) -> np.ndarray:
    """The parameters without effects: the rates of constant levels."""
    levels = len(target.exposure)
    return np.concatenate([2 * target.start[:levels], np.zeros(len(target.children))])


def _by_group(target: Target, gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Norm of each group's positive slopes over the root of its size, and that root."""
    size = np.sqrt(np.bincount(target.groups))
    return np.sqrt(np.bincount(target.groups, weights=np.maximum(gain, 0) ** 2)) / size, size


def _strongest(target: Target) -> float:
    """The least penalty that leaves this target no effect."""
    bare = _bare(target)
    if not len(target.level) or np.any(bare[target.level] <= 0):
        return 0.0
    gain = _gain(target, bare)
    return float(np.max(gain if target.groups is None else _by_group(target, gain)[0], initial=0))


def _path(target: Target, penalties: np.ndarray, limit: float) -> tuple[np.ndarray, float]:
    """The parameters at each penalty, strongest first, and the largest remaining derivative."""
    values, rows, worst = _bare(target), [], 0.0
    for kappa in penalties:
        if len(target.level):
            values, left = _at(target, kappa, values, limit)
            worst = max(worst, left)
        rows.append(values)
    return np.stack(rows), worst


def _at(target: Target, kappa: float, values: np.ndarray, limit: float) -> tuple[np.ndarray, float]:
    """The maximum at one penalty, near given values: among the sources with an effect, until no
    other one would gain by having one."""
    levels = len(target.exposure)
    active, left = values[levels:] > 0, 0.0
    if target.groups is not None:
        active = np.isin(target.groups, target.groups[active])
    for _ in range(ROUNDS):
        part, into = _restricted(target, kappa, active)
        held = np.concatenate([values[:levels], values[levels:][active]])
        found, left = improved(part, held, limit)
        values = np.zeros(len(values))
        values[into] = found
        gain = _gain(target, values)
        if target.groups is None:
            more, fewer = ~active & (gain > kappa + limit), np.zeros_like(active)
        else:
            slope, _ = _by_group(target, gain)
            norm = np.sqrt(np.bincount(target.groups, weights=values[levels:] ** 2))
            none = norm <= NOTHING * np.max(norm, initial=1)
            fewer = (none & (slope <= kappa))[target.groups] & active
            values[levels:][fewer] = 0
            more = (none & (slope > kappa * (1 + 1e-9)))[target.groups] & ~active
            first = 1e-3 * np.maximum(gain, 0) / np.max(gain, initial=1e-300)
            values[levels:][more] = first[more]
        if not (more | fewer).any():
            break
        active = (active & ~fewer) | more
    return values, left


def _restricted(target: Target, kappa: float, active: np.ndarray) -> tuple[Target, np.ndarray]:
    levels = len(target.exposure)
    into = np.concatenate([np.arange(levels), levels + np.flatnonzero(active)])
    own: dict[str, Any] = {"penalty": kappa}
    if target.groups is not None:
        known, codes = np.unique(target.groups[active], return_inverse=True)
        size = np.sqrt(np.bincount(target.groups))[known]
        own = {"groups": codes, "norms": kappa * size}
    rates, children = target.rates[:, active], target.children[active]
    return replace(target, rates=rates, children=children, **own), into


def _with_levels(train: Target, rows: np.ndarray) -> np.ndarray:
    """The rows, with half an event for a level that had none."""
    levels = len(train.exposure)
    seen = np.bincount(train.level, minlength=levels) > 0
    half = 0.5 / np.where(train.exposure > 0, train.exposure, 1)
    return np.concatenate([np.where(seen, rows[:, :levels], half), rows[:, levels:]], axis=1)


def _logs(target: Target, rows: np.ndarray) -> np.ndarray:
    """A part's log-likelihood at each row of parameters."""
    plain = replace(target, penalty=0.0, groups=None)
    return np.array([-plain.loss(values)[0] for values in rows])


def _choice(scores: np.ndarray, rule: str) -> int:
    total = scores.sum(axis=0)
    best = int(np.argmax(total))
    if rule == "best":
        return best
    error = np.std(scores - scores[:, [best]], axis=0, ddof=1) * np.sqrt(len(scores))
    return int(np.flatnonzero(total >= total[best] - error)[0])


@dataclass(frozen=True)
class _Known(Hawkes):
    """The model whose maximum is known."""

    at: Any = field(default=None, compare=False, kw_only=True)

    def solved(self, data: Any, tol: float) -> Solved:
        return Solved(*self.at)


def _estimate(
    model: Hawkes, data: EventPanel, best: np.ndarray, levels: int, value: float, left: float,
    path: pd.DataFrame,
) -> HawkesEstimate:  # fmt: skip
    mu = best[:, :levels].T
    params = {"mu": mu[0] if model.background.levels == "shared" else mu, "alpha": best[:, levels:]}
    settings = {one.name: getattr(model, one.name) for one in fields(model)}
    per_event = left / data.num_events
    nothing: Any = None
    known = _Known(**settings, at=(params, -float(value), per_event, len(path), nothing))
    found = fit(known, data, errors=False, tol=max(per_event, 1e-8))
    row = path[path["chosen"]].iloc[0]
    said = (
        f"Penalty {row['penalty']:.4g}: {row['effects']:.0f} of {best[:, levels:].size} effects "
        f"above 0, without standard errors."
    )
    return replace(
        found,
        model=model,
        message=said,
        num_parameters=int(np.count_nonzero(best)),
        steps=len(path),
    )
