"""Draws from a posterior, by name."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import jax
import numpy as np
import pandas as pd
import xarray as xr
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from hawkesjax.core import store
from hawkesjax.core.diagnostics import arviz, convergence, energy_fraction, problems
from hawkesjax.core.groups import groups_of
from hawkesjax.core.kept import data_of
from hawkesjax.core.labels import row_labels
from hawkesjax.core.loading import GROUPS, model_in
from hawkesjax.core.model import Model
from hawkesjax.inputs.arguments import Bytes, Key, Whole, checked
from hawkesjax.inputs.html import Shown

# Steps of saved pointwise terms, nats: errors of at most 3e-5, whose last bits pack to nothing.
STEP = 2.0**-14
LARGEST_TERM = 2.0**10  # up to which single precision holds each step


@dataclass(frozen=True, eq=False, repr=False)
class Posterior(Shown):
    """The result of `sample`: draws, statistics and data as named arrays.

    A subclass `class HawkesPosterior(Posterior, model="hawkes")` adds a model's own tables;
    `sample` and `load` return it for models of that name.

    Args:
        posterior: draws, dimensions (chain, draw, ...).
        sample_stats: the sampler's statistics, (chain, draw).
        observed_data, constant_data: what was observed.
        config: the model's settings.
        info: how it was sampled.
        log_likelihood: pointwise log-likelihood (chain, draw, term), if it was kept.
    """

    drawn_by: ClassVar[str] = "figures()"

    posterior: xr.Dataset
    sample_stats: xr.Dataset
    observed_data: xr.Dataset
    constant_data: xr.Dataset
    model: Model[Any, Any, Any]
    info: dict[str, Any]
    log_likelihood: xr.Dataset | None = None
    data: Any = None
    _table: list[pd.DataFrame] = field(default_factory=list)

    @classmethod
    def from_parts(
        cls,
        model: Model[Any, Any, Any],
        data: Any,
        draws: xr.Dataset,
        sample_stats: xr.Dataset,
        info: dict[str, Any],
    ) -> Self:
        """Add the data's names and values to the draws."""
        coords = model.coords(data)

        def dataset(parts: Mapping[str, Any]) -> xr.Dataset:
            used = {dim: coords[dim] for dims, _ in parts.values() for dim in dims if dim in coords}
            return xr.Dataset(dict(parts), coords=used)

        return cls(
            posterior=draws,
            sample_stats=sample_stats,
            observed_data=dataset(model.observed(data)),
            constant_data=dataset(model.constant(data)),
            model=model,
            data=data,
            info=info,
        )

    def __getitem__(self, name: str) -> xr.DataArray:
        """Draws of one parameter, (chain, draw, ...)."""
        if name not in self.posterior:
            raise KeyError(
                f"No parameter {name!r}; there are {', '.join(map(str, self.posterior))}."
            )
        return self.posterior[name]

    def summary(self, var_names: str | list[str] | None = None) -> pd.DataFrame:
        """One row per parameter: mean, sd, 2.5, 50 and 97.5 %, bulk and tail ESS, R-hat."""
        if not self._table:
            self._table.append(_summary(self.posterior))
        if var_names is None:
            return self._table[0].copy()
        var_names = [var_names] if isinstance(var_names, str) else list(var_names)
        for name in var_names:
            self[name]
        rows = [label for name in var_names for label in _labels(self.posterior, name)]
        return self._table[0].loc[rows]

    def problems(self) -> list[str]:
        """Sentences about what is wrong with the draws; empty when nothing is."""
        shapes = {str(n): value.shape[2:] for n, value in self.posterior.items()}
        table = self.summary()
        for name, one in self.model.structures_of(shapes).items():
            labels = np.array(_labels(self.posterior, name))
            table = table.drop(index=labels[one.fixed.ravel()])
        return problems(table, self.sample_stats, self.info["max_tree_depth"])

    def diagnose(self) -> list[str]:
        """The diagnostics in plain words: what is wrong, or the numbers of a sound run; then the
        model's remarks on the values and the data."""
        remarks = self.info.get("remarks", [])
        if sentences := self.problems():
            return [*sentences, *remarks]
        table, sizes = self.summary(), self.sample_stats.sizes
        fraction = np.nanmin(energy_fraction(self.sample_stats["energy"].values))
        return [
            f"All is well: {sizes['chain']} chains of {sizes['draw']} draws, no divergences, "
            f"R-hat at most {table['r_hat'].max():.3f}, effective sample sizes at least "
            f"{table['ess_bulk'].min():.0f} (bulk) and {table['ess_tail'].min():.0f} (tail), "
            f"E-BFMI at least {fraction:.2f}.",
            *remarks,
        ]

    @checked
    def with_log_likelihood(
        self,
        data: Any = None,
        *,
        by: str | None = None,
        max_bytes: Bytes = store.MAX_BYTES,
    ) -> Self:
        """The same with the pointwise log-likelihood, for `arviz.loo`.

        Args:
            data: the data that were sampled; required after `load`.
            by: kind of terms, among those that the model has (for Hawkes: `"event"`, one per event
                and one for each sequence's last silence, or `"sequence"`); the coarsest by default.
            max_bytes: refuse when the result would be larger.

        Raises:
            ValueError: for terms that the model does not have, missing data, or a result larger
                than `max_bytes`.
        """
        model, data = self.model, self.sampled(data)
        known = model.pointwise_sizes(data)
        if not known:
            raise ValueError("This model's likelihood is an approximation without pointwise terms.")
        by = list(known)[-1] if by is None else by
        if by not in known:
            raise ValueError(f"by is {by!r}; it must be one of {', '.join(map(repr, known))}.")
        names = list(model.shapes(data))
        draws = {name: np.asarray(self.posterior[name]) for name in names}
        chains, count = self.sample_stats["lp"].shape
        terms = known[by]
        size = chains * count * terms * next(iter(draws.values())).dtype.itemsize
        if size > max_bytes:
            raise ValueError(
                f"The pointwise log-likelihood by {by} would take {size / 2**30:.1f} GiB, more "
                f"than {max_bytes / 2**30:.1f}: use by={list(known)[-1]!r}, or fewer draws."
            )
        flat = {name: v.reshape(chains * count, *v.shape[2:]) for name, v in draws.items()}
        values = _over_draws(lambda one: model.pointwise(one, data, by), flat)
        values = values.reshape(chains, count, terms)
        coords: dict[str, Any] = {dim: self.posterior[dim] for dim in ("chain", "draw")}
        named = model.coords(data).get(by, ())
        dim = by if len(named) == terms else "term"
        if dim == by:
            coords[by] = named
        pointwise = xr.Dataset({"events": (("chain", "draw", dim), values)}, coords=coords)
        return replace(self, log_likelihood=pointwise)

    @property
    def config(self) -> dict[str, Any]:
        """The model's settings as JSON-serialisable values."""
        return json.loads(json.dumps(self.model.config()))

    @property
    def record(self) -> dict[str, Any]:
        """The record of the run (`hawkesjax.core.record`)."""
        return self.info.get("record", {})

    @property
    def coords(self) -> dict[str, list[str]]:
        """Names along each axis of the parameters."""
        axes = [dim for dim in self.posterior.dims if dim not in ("chain", "draw")]
        return {str(dim): [str(one) for one in self.posterior[dim].values] for dim in axes}

    def draws(self) -> dict[str, np.ndarray]:
        """Every parameter with the draws of all chains along its first axis."""
        found = {}
        for name, values in self.posterior.items():
            array = values.transpose("chain", "draw", ...).values
            found[str(name)] = array.reshape(-1, *array.shape[2:])
        return found

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table that needs only the draws, by name."""
        return {"summary": self.summary()}

    def figures(self, data: Any = None) -> dict[str, Any]:
        """Every figure of the fit, by name.

        Args:
            data: the data that were sampled; required after `load`.
        """
        return self.model.figures(self, self.sampled(data))

    def sampled(self, data: Any = None) -> Any:
        """The data that were sampled: those given, else those kept by `sample`.

        Raises:
            ValueError: if there are none (a file does not contain them), or their type is wrong.
        """
        return data_of(self, data)

    def groups(self) -> dict[str, xr.Dataset]:
        """The data sets by their ArviZ group; the draws have the record among their attributes."""
        found = {name: part for name in GROUPS if (part := getattr(self, name)) is not None}
        record = self.record
        if record:
            known = {
                "inference_library": "hawkesjax",
                "inference_library_version": record["versions"]["hawkesjax"],
                "created_at": record["date"],
                "sampling_time": record["seconds"],
                "record": json.dumps(record),
            }
            found["posterior"] = found["posterior"].assign_attrs(known)
        return found

    @checked
    def to_arviz(self, data: Any = None, *, predictive: Whole = 0, key: Key | None = None) -> Any:
        """ArviZ's container: an `xarray.DataTree` for ArviZ 1, `InferenceData` before.

        Args:
            data: the data that were sampled; needed after `load` for predictive groups.
            predictive: number of draws of the groups prior, prior_predictive and
                posterior_predictive, which `arviz.plot_ppc` and others need; with them comes
                log_prior, for its sensitivity to the prior. 0: none of them.
            key: PRNG key of these draws.

        Raises:
            ValueError: for predictive draws without a key or data.
        """
        az, groups = arviz(), self.groups()
        if predictive:
            if key is None:
                raise ValueError("Predictive draws are random: give key=0, or another number.")
            more = groups_of(self.model, self.sampled(data), self.posterior, key, predictive)
            if "observed" in more:
                groups["observed_data"] = groups["observed_data"].merge(
                    more.pop("observed"), compat="no_conflicts"
                )
            groups |= more
        tree = xr.DataTree.from_dict({f"/{name}": part for name, part in groups.items()})
        if int(az.__version__.split(".")[0]) >= 1:
            return tree
        return az.InferenceData.from_datatree(tree)

    @checked
    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write a NetCDF file; an existing one is replaced only with `force=True`.

        All is kept bit for bit, but pointwise log-likelihoods only to 0.0001 nats: they are most
        of the file, and single precision halves them.
        """
        home = type(self.model).__module__
        attributes = {"config": self.config, "home": home, "info": self.info}
        groups = self.groups() | {"model": xr.Dataset(self.model.arrays())}
        if "log_likelihood" in groups:
            groups["log_likelihood"] = _shortened(groups["log_likelihood"])
        store.write(path, groups, attributes, force=force)

    @staticmethod
    def from_file(
        path: Any, groups: dict[str, xr.Dataset], attributes: Mapping[str, Any]
    ) -> Posterior:
        """The posterior of a file's parts, checked: `hawkesjax.load`."""
        model = model_in(path, groups, attributes)
        groups.pop("model")
        if "log_likelihood" in groups:
            kind = next(iter(groups["posterior"].values())).dtype
            groups["log_likelihood"] = groups["log_likelihood"].astype(kind)
        return model.posterior_type(**groups, model=model, info=attributes["info"])

    def _shown(self) -> pd.DataFrame:
        return self.summary()

    def __repr__(self) -> str:
        table = self.summary()
        shown = table.head(20).to_string(float_format=lambda x: f"{x:.4g}")
        more = "" if len(table) <= 20 else f"\n... {len(table) - 20} more rows in summary()"
        return "Posterior: " + "\n".join(self.diagnose()) + f"\n{shown}{more}"


def _shortened(pointwise: xr.Dataset) -> xr.Dataset:
    """The terms rounded to a step in single precision, where that holds them."""
    largest = max(float(np.abs(terms).max()) for terms in pointwise.values())
    if not largest < LARGEST_TERM:
        return pointwise
    return ((pointwise / STEP).round() * STEP).astype(np.float32)


def _labels(posterior: xr.Dataset, name: str) -> list[str]:
    dims = posterior[name].dims[2:]
    return row_labels(name, dims, {dim: list(posterior[dim].values) for dim in dims})


def _summary(posterior: xr.Dataset) -> pd.DataFrame:
    figures = convergence(posterior)
    rows = []
    for name, draws in posterior.items():
        flat = draws.values.reshape(-1, *draws.shape[2:])
        low, middle, high = np.quantile(flat, (0.025, 0.5, 0.975), axis=0)
        columns = {
            "mean": flat.mean(axis=0),
            "sd": flat.std(axis=0, ddof=1),
            "2.5%": low,
            "50%": middle,
            "97.5%": high,
        }
        for statistic in ("ess_bulk", "ess_tail", "r_hat"):
            part = figures[name].sel(statistic=statistic)
            columns[statistic] = part.transpose(*draws.dims[2:]).values
        index = pd.Index(_labels(posterior, str(name)), name="parameter")
        rows.append(pd.DataFrame({k: np.ravel(v) for k, v in columns.items()}, index=index))
    return pd.concat(rows)


def _over_draws(function: Callable[[dict[str, Any]], Any], draws: dict[str, Any]) -> np.ndarray:
    """A function of one draw, applied to each in turn. The data in its closure become arguments:
    as constants of the compiled program they would be folded, which takes minutes for large data.
    Constants of functions compiled inside it remain theirs."""
    closed = jax.make_jaxpr(function)({name: value[0] for name, value in draws.items()})

    @jax.jit
    def compute(constants, draws):
        apply = jaxpr_as_fun(ClosedJaxpr(closed.jaxpr, constants))
        return jax.lax.map(lambda one: apply(*jax.tree.leaves(one))[0], draws)

    return np.asarray(compute(closed.consts, draws))
