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
from hawkesjax.core.kept import Kept
from hawkesjax.hawkes import lasso, nuclear
from hawkesjax.hawkes.concave import Target
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.folds import Folds
from hawkesjax.hawkes.known_decays import can_solve, targets_of
from hawkesjax.hawkes.model import Hawkes
from hawkesjax.hawkes.results import HawkesEstimate
from hawkesjax.inputs.arguments import Count, Positive, checked

LEAST = 1e-3  # weakest penalty of a path, over the weakest that leaves no effect


@dataclass(frozen=True)
class Shrunken(Kept):
    """What `shrink` found.

    Args:
        estimate: the estimate at the chosen penalty, in which many effects are exactly 0.
        path: a row for each penalty, strongest first: `penalty`, `effects` (how many are above 0),
            `rank` of alpha (of the nuclear norm), `log_likelihood` of all events, `score`
            (log-likelihood of the held-out folds), its `standard_error` over the folds, and
            `chosen`.
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
    penalty: Literal["lasso", "group", "nuclear"] = "lasso",
    groups: Any = None,
    penalties: Any = None,
    steps: Count = 20,
    folds: Count = 5,
    rule: Literal["best", "one-se"] = "best",
    tol: Positive = 1e-7,
) -> Shrunken:
    r"""Fit effects with a penalty that simplifies them, and choose its size on held-out time.

    With known decays the penalised log-likelihood is concave and splits by target; for target i

    .. math:: \ell_i(\mu, \alpha) - \kappa \sum_j \alpha_{ij}
              \qquad \text{or} \qquad
              \ell_i(\mu, \alpha) - \kappa \sum_g \sqrt{|g|}\, \| \alpha_{ig} \|_2

    (`"lasso"`, and `"group"`: the sources of a group affect a target together or not at all). The
    first is the posterior mode under independent priors Exponential(kappa). Each target is solved
    along the path from the strongest penalty down, with only the sources that matter there; the
    decayed counts of one target at a time are held in memory.

    `"nuclear"` joins the targets: :math:`\kappa \| \alpha \|_*`, the sum of the singular values of
    alpha, most of which become 0, for effects that follow a few patterns of who affects whom rather
    than few effects. The decayed counts of all events, N D numbers, are held twice.

    The penalty is chosen by cross-validation: every window is cut into `folds` stretches of equal
    length, each is held out in turn, and the log-likelihood of its events given all before them is
    added up. A level without events in the other folds counts half an event.

    Args:
        model: with known decays (`gamma=`), a baseline by sequence or shared, and no link.
        data: an `EventPanel` without gaps, history, exposure, or resolution.
        penalty: `"lasso"`, `"group"`, or, for up to 400 marks, `"nuclear"`.
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
    for Hawkes processes Hansen, Reynaud-Bouret and Rivoirard (2015), Bernoulli 21, 83-143; nuclear
    norm: Zhou, Zha and Song (2013), AISTATS, and tick's `prox="nuclear"`.

    Example:
        >>> panel, _ = hj.datasets.spillover(key=jax.random.key(0), users=2, days=60)
        >>> found = hj.shrink(hj.Hawkes(gamma=2.0, baseline="shared"), panel, steps=5, folds=2)
        >>> found.path["effects"].is_monotonic_increasing
        True
    """
    model.check(data)
    _refuse(model, data)
    joint = penalty == "nuclear"
    if joint and data.num_marks > nuclear.MOST_MARKS:
        raise ValueError(
            f'penalty="nuclear" is for up to {nuclear.MOST_MARKS} marks; the data have '
            f"{data.num_marks}: take the lasso, or groups."
        )
    prepared = model.prepare(data)
    if int(prepared.num_events) == 0 or not can_solve(model, prepared):
        raise ValueError(
            "shrink needs events, a baseline by sequence or shared, priors of the default's "
            "support, and no fixed or tied entries."
        )
    labels = _labels(penalty, groups, data)
    cut = Folds.of(model, data, folds)
    if penalties is None:
        parts = [part for part, _ in _parts(model, prepared, labels)] if joint else None
        first = (part for part, _ in _parts(model, prepared, labels))
        strongest = nuclear.strongest(parts) if parts else max(map(lasso.strongest, first))
        known = max(strongest, 1e-12) * np.geomspace(1, LEAST, steps)
    else:
        known = np.sort(np.ravel(np.asarray(penalties, np.float64)))[::-1]
    if not (known.size and np.all(np.isfinite(known) & (known > 0))):
        raise ValueError(f"penalties is {penalties!r}; they must be finite and above 0.")
    limit = tol * int(prepared.num_events)
    solved = _together if joint else _apart
    found = solved(_parts(model, prepared, labels), known, limit, cut)
    levels = found.values[0].shape[1] - data.num_marks
    counts = np.sum([(v[:, levels:] != 0).sum(axis=1) for v in found.values], axis=0)
    scores = found.scores if folds > 1 else np.full((2, len(known)), np.nan)
    chosen = _choice(scores, rule) if folds > 1 else len(known) - 1
    columns = {"penalty": known, "effects": np.asarray(counts, int)}
    columns |= {} if found.ranks is None else {"rank": found.ranks}
    columns |= {
        "log_likelihood": found.logs,
        "score": scores.sum(axis=0),
        "standard_error": scores.std(axis=0, ddof=1) * np.sqrt(folds),
        "chosen": np.arange(len(known)) == chosen,
    }
    path = pd.DataFrame(columns)
    best = np.stack([v[[chosen]].toarray()[0] for v in found.values])
    value = found.logs[chosen]
    return Shrunken(_estimate(model, data, best, levels, value, found.left, path), path)


@dataclass(frozen=True)
class _Path:
    """All targets at each penalty.

    Args:
        values: of each target, (penalties, levels + sources).
        logs: log-likelihood of all events at each penalty.
        scores: (folds, penalties) of the held-out events.
        left: largest remaining derivative.
        ranks: of alpha.
    """

    values: list[Any]
    logs: np.ndarray
    scores: np.ndarray
    left: float
    ranks: np.ndarray | None = None


def _held(cut: Folds) -> range:
    folds = cut.children.shape[1]
    return range(folds if folds > 1 else 0)


def _apart(parts: Any, known: np.ndarray, limit: float, cut: Folds) -> _Path:
    """Target by target."""
    values: list[Any] = []
    logs, left = np.zeros(len(known)), 0.0
    scores = np.zeros((len(_held(cut)), len(known)))
    for i, (target, events) in enumerate(parts):
        whole, worst = lasso.path(target, known, limit)
        values.append(sparse.csr_array(whole))
        logs, left = logs + _logs(target, whole), max(left, worst)
        for f in _held(cut):
            train, test = cut.split(target, events, i, f)
            scores[f] += _logs(test, _with_levels(train, lasso.path(train, known, limit)[0]))
    return _Path(values, logs, scores, left)


def _together(parts: Any, known: np.ndarray, limit: float, cut: Folds) -> _Path:
    """All targets at once."""
    parts = list(parts)
    whole, ranks, left = nuclear.path([target for target, _ in parts], known, limit)
    logs = sum(_logs(part, rows) for (part, _), rows in zip(parts, whole, strict=True))
    scores = np.zeros((len(_held(cut)), len(known)))
    for f in _held(cut):
        split = [cut.split(target, events, i, f) for i, (target, events) in enumerate(parts)]
        found = nuclear.path([train for train, _ in split], known, limit)[0]
        for (train, test), rows in zip(split, found, strict=True):
            scores[f] += _logs(test, _with_levels(train, rows))
    return _Path([sparse.csr_array(rows) for rows in whole], logs, scores, left, ranks)


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
    number = int(np.count_nonzero(best))
    rank = ""
    if "rank" in path:
        rank, size = f", rank {row['rank']:.0f}", int(row["rank"])
        free = size * (2 * len(best) - size)  # of a matrix of this rank
        number = min(number, int(np.count_nonzero(best[:, :levels])) + free)
    said = (
        f"Penalty {row['penalty']:.4g}: {row['effects']:.0f} of {best[:, levels:].size} effects "
        f"above 0{rank}, without standard errors."
    )
    return replace(
        found,
        model=model,
        message=said,
        num_parameters=number,
        steps=len(path),
    )
