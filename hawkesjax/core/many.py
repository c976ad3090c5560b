"""Many fits at once, and how well a model recovers known parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from hawkesjax.core.fit import fit_prepared
from hawkesjax.core.kept import Kept
from hawkesjax.core.labels import row_labels
from hawkesjax.core.model import Data, EstimateT, Model, PosteriorT, as_model
from hawkesjax.core.sample import sample_prepared
from hawkesjax.inputs.arguments import Count, Key, checked
from hawkesjax.inputs.checks import kind_of_value

QUANTILES = (0.025, 0.975)
Settled = tuple[Any, Sequence[Any], list[tuple[Any, ...]]]


@checked
def fit_many(
    model: Model[Data, EstimateT, PosteriorT], data: Sequence[Data], *, errors: bool = True
) -> list[EstimateT]:
    """`fit` of a model to each of many data sets, with one compilation for all where their layouts
    can have one size.

    These are Hawkes panels of as many sequences and marks (up to a few marks on a CPU), cascades
    (unless `p0="free"`) and activities (unless `baseline="free"`). Each estimate is that of `fit`.

    Args:
        model: the model of all.
        data: the data sets, in a list.
        errors: whether to compute standard errors and intervals.

    Returns:
        The estimates, in order.

    Raises:
        ValueError: as `fit`, with the number of the data set.

    Example:
        >>> model, truth = hj.Hawkes(), {"mu": [0.5], "alpha": [[0.4]], "gamma": [[2.0]]}
        >>> keys = jax.random.split(jax.random.key(0), 3)
        >>> panels = [hj.simulate(model, truth, window=(0, 100), key=key) for key in keys]
        >>> len(hj.fit_many(model, panels))
        3
    """
    model, found, learned = _laid_out(model, data)
    return [
        _numbered(number, fit_prepared, one[0], raw, prepared, *one[1:], errors=errors)
        for number, (raw, prepared, one) in enumerate(zip(data, found, learned, strict=True))
    ]


@checked
def sample_many(
    model: Model[Data, EstimateT, PosteriorT],
    data: Sequence[Data],
    *,
    key: Key,
    num_warmup: Count = 300,
    num_samples: Count = 500,
    num_chains: Count = 2,
    pointwise: str | None = None,
) -> list[PosteriorT]:
    """`sample` for each of many data sets, with one compilation for all where their layouts can
    have one size (as in `fit_many`).

    Args:
        model: the model of all.
        data: the data sets, in a list.
        key: PRNG key; each data set has its own, `jax.random.fold_in(key, number)`.
        num_warmup, num_samples, num_chains, pointwise: as in `sample`, shorter by default.

    Returns:
        The posteriors, in order.

    Raises:
        ValueError: as `sample`, with the number of the data set.
    """
    model, found, learned = _laid_out(model, data)
    lengths = {"num_warmup": num_warmup, "num_samples": num_samples, "num_chains": num_chains}
    return [
        _numbered(
            number,
            sample_prepared,
            one[0],
            raw,
            prepared,
            key=jax.random.fold_in(key, number),
            pointwise=pointwise,
            **lengths,
        )
        for number, (raw, prepared, one) in enumerate(zip(data, found, learned, strict=True))
    ]


@dataclass(frozen=True, eq=False)
class Recovery(Kept):
    """How estimates lie about known parameters.

    Args:
        truth: the parameters, by name.
        estimates, errors, lower, upper: (replicates, ...) by name; means, standard deviations and
            2.5 and 97.5 % quantiles of posteriors.
        detected: (replicates, ...) by name, whether an effect was told from none at 5 %.
        converged: (replicates,) whether the search converged, or the chains had no problems.
        labels: of the entries, by name.
    """

    truth: dict[str, np.ndarray]
    estimates: dict[str, np.ndarray]
    errors: dict[str, np.ndarray]
    lower: dict[str, np.ndarray]
    upper: dict[str, np.ndarray]
    detected: dict[str, np.ndarray]
    converged: np.ndarray
    labels: dict[str, list[str]]

    def summary(self) -> pd.DataFrame:
        """One row per parameter: the truth; mean, median, bias and standard deviation of the
        estimates, and their root mean square error; the mean of the reported standard errors; how
        many replicates have an interval, the share of these that holds the truth, with its
        standard error; and power, the share in which the effect was told from none."""
        return pd.concat([self._rows(name) for name in self.truth])

    def _rows(self, name: str) -> pd.DataFrame:
        truth = self.truth[name].ravel()
        count = len(self.converged)
        found, errors, low, high = (
            part[name].reshape(count, -1)
            for part in (self.estimates, self.errors, self.lower, self.upper)
        )
        known = np.isfinite(low) & np.isfinite(high)
        number = known.sum(axis=0)
        held = ((low <= truth) & (truth <= high) & known).sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            coverage = held / number
            se = np.sqrt(coverage * (1 - coverage) / number)
            mean_error = np.where(known, errors, 0).sum(axis=0) / number
        power = np.full(truth.shape, np.nan)
        if name in self.detected:
            power = self.detected[name].reshape(count, -1).mean(axis=0)
        return pd.DataFrame(
            {
                "truth": truth,
                "mean": found.mean(axis=0),
                "median": np.median(found, axis=0),
                "bias": found.mean(axis=0) - truth,
                "sd": found.std(axis=0, ddof=1) if count > 1 else np.full(truth.shape, np.nan),
                "rmse": np.sqrt(np.mean((found - truth) ** 2, axis=0)),
                "mean se": mean_error,
                "intervals": number,
                "coverage": coverage,
                "coverage se": se,
                "power": power,
            },
            index=pd.Index(self.labels[name], name="parameter"),
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """The summary, by name."""
        return {"recovery": self.summary()}

    def __repr__(self) -> str:
        count = len(self.converged)
        lost = count - int(self.converged.sum())
        shown = self.summary().head(20).to_string(float_format=lambda x: f"{x:.3g}")
        said = f", {lost} of them not converged" if lost else ""
        return f"Recovery: {count} replicates{said}\n{shown}"


@checked
def recover(
    model: Model[Data, EstimateT, PosteriorT],
    truth: Mapping[str, Any],
    design: Any,
    *,
    key: Key,
    replicates: Count = 100,
    method: Literal["fit", "sample"] = "fit",
    progress: bool = False,
) -> Recovery:
    """Simulate from known parameters, estimate them again, and say how well that went: bias,
    spread, coverage of the 95 % intervals, and power.

    Answers before the data are there whether so many events can show what is asked.

    Args:
        model: the model, of the data and of the estimates.
        truth: its natural parameters.
        design: what is observed: a dict of the options of `simulate` (`{"window": (0, 60)}`), or a
            function from a PRNG key to data, of another process, too.
        key: PRNG key.
        replicates: how many data sets.
        method: `"fit"`, or `"sample"`: posterior means and quantiles (2 chains of 300 + 500).
        progress: whether to show a progress bar.

    Returns:
        A `Recovery`; `summary()` has one row per parameter of `truth`.

    Raises:
        ValueError: as `simulate` and `fit`; for a truth that names none of the parameters.

    Example:
        >>> model, truth = hj.Hawkes(), {"mu": [0.5], "alpha": [[0.4]], "gamma": [[2.0]]}
        >>> found = hj.recover(
        ...     model, truth, {"window": (0, 100)}, key=jax.random.key(0), replicates=4
        ... )
        >>> found.summary().index.tolist()
        ['mu[0, 0]', 'alpha[0 -> 0]', 'gamma[0 -> 0]']
    """
    data = _drawn(model, truth, design, key, replicates)
    model, found, learned = _laid_out(model, data)
    parts: list[tuple[dict[str, Any], ...]] = []
    fine, names = [], None
    rows = zip(data, found, learned, strict=True)
    for number, (raw, prepared, one) in enumerate(
        tqdm(rows, total=replicates, disable=not progress)
    ):
        if method == "fit":
            got = _numbered(number, fit_prepared, one[0], raw, prepared, *one[1:])
            four = got.params, got.standard_errors, got.lower, got.upper
            parts.append((*four, one[0].detected(got)))
            fine.append(got.converged)
        else:
            got = _numbered(
                number,
                sample_prepared,
                one[0],
                raw,
                prepared,
                key=jax.random.fold_in(key, replicates + number),
                num_warmup=300,
                num_samples=500,
                num_chains=2,
                pointwise=None,
            )
            parts.append((*_of_posterior(got), {}))
            fine.append(not got.problems())
        names = names or {n: row_labels(n, got.dims[n], got.coords) for n in parts[0][0]}
    right = {
        name: np.broadcast_to(np.asarray(value, np.float64), np.shape(parts[0][0][name]))
        for name, value in truth.items()
        if name in parts[0][0]
    }
    if not right:
        raise ValueError(
            f"truth names {', '.join(map(str, truth))}; the estimates have "
            f"{', '.join(parts[0][0])}."
        )
    stacked = [
        {n: np.stack([np.asarray(one[k][n]) for one in parts]) for n in right if n in parts[0][k]}
        for k in range(5)
    ]
    labels = {name: (names or {})[name] for name in right}
    estimates, deviations, lower, upper, detected = stacked
    return Recovery(right, estimates, deviations, lower, upper, detected, np.array(fine), labels)


def _drawn(model: Any, truth: Any, design: Any, key: Any, replicates: int) -> list[Any]:
    """The simulated data sets of a design."""
    keys = jax.random.split(key, replicates)
    if callable(design):
        return [design(one) for one in keys]
    if not isinstance(design, Mapping):
        raise ValueError(
            f"design is {kind_of_value(design)}; it must be a dict of the options of simulate, "
            f'such as {{"window": (0, 60)}}, or a function from a key to data.'
        )
    as_model(model)
    return [model.simulate(truth, key=one, **design) for one in keys]


def _laid_out(model: Any, data: Any) -> Settled:
    """The model, the data laid out alike, and what the model has learned of each."""
    if isinstance(data, str | bytes) or not isinstance(data, Sequence) or not len(data):
        raise ValueError(f"data is {kind_of_value(data)}; it must be a list of data sets.")
    for number, one in enumerate(data):
        _numbered(number, as_model(model).check, one)
    learned = [model.settled(one) for one in data]
    if all(one[0] is model for one in learned):
        return model, model.alike(data), learned
    return model, [one[0].prepare(raw) for one, raw in zip(learned, data, strict=True)], learned


def _numbered(number: int, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """The function's value; its refusals name the data set."""
    try:
        return function(*args, **options)
    except ValueError as error:
        raise ValueError(f"Data set {number}: {error}") from error


def _of_posterior(post: Any) -> tuple[dict[str, Any], ...]:
    """Means, standard deviations and quantiles of a posterior's draws, by name."""
    draws = post.draws()
    ends = [{n: np.quantile(v, q, axis=0) for n, v in draws.items()} for q in QUANTILES]
    means = {n: v.mean(axis=0) for n, v in draws.items()}
    return means, {n: v.std(axis=0, ddof=1) for n, v in draws.items()}, *ends
