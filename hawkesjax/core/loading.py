"""Checks of a result file before anything is built from it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from hawkesjax.core.model import Model
from hawkesjax.core.supports import hold

GROUPS = ("posterior", "sample_stats", "log_likelihood", "observed_data", "constant_data")
STATISTICS = ("lp", "energy", "diverging", "num_steps", "tree_depth", "non_finite")
INFO = ("num_warmup", "num_samples", "max_tree_depth")  # whole numbers that summaries need
DRAWS = ("chain", "draw")


def model_in(
    path: Any, groups: Mapping[str, xr.Dataset], attributes: Mapping[str, Any]
) -> Model[Any, Any, Any]:
    """The model of a result, once its parts are complete and consistent.

    Raises:
        ValueError: for missing groups or settings, groups that `load` does not know, draws whose
            axes or shapes differ from the model's, and draws that are not finite or outside the
            parameters' supports; it names the first.
    """
    missing = [name for name in (*GROUPS, "model") if name not in groups]
    if missing := [name for name in missing if name != "log_likelihood"]:
        raise ValueError(f"{path} is not a whole result: it has no {', '.join(missing)}.")
    if more := sorted(set(groups) - {*GROUPS, "model"}):
        raise ValueError(
            f"{path} also holds {', '.join(more)}, which no result of sample has: read the file "
            f"with arviz.from_netcdf, or remove these groups."
        )
    config, home, info = (attributes.get(name) for name in ("config", "home", "info"))
    if not isinstance(config, Mapping) or not isinstance(config.get("model"), str):
        raise ValueError(f"{path} is not a whole result: its model's settings are missing.")
    if not isinstance(home, str):
        raise ValueError(f"{path} is not a whole result: its model's module is missing.")
    if not isinstance(info, Mapping) or not all(isinstance(info.get(n), int) for n in INFO):
        raise ValueError(f"{path} is not a whole result: it does not record how it was sampled.")
    kind = known_model(config["model"], home)
    arrays = {str(name): one.values for name, one in groups["model"].items()}
    try:
        model = kind.from_config(config, arrays)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise ValueError(
            f"{path}: its settings are not valid for a {kind.__name__}: {error}."
        ) from error
    _check_draws(path, model, groups["posterior"])
    _check_statistics(path, groups)
    return model


def _check_draws(path: Any, model: Model[Any, Any, Any], draws: xr.Dataset) -> None:
    wanted = {name: (*DRAWS, *dims) for name, dims in model.dims.items()}
    if strange := sorted(set(map(str, draws)) - set(wanted)):
        raise ValueError(f"{path}: the model has no parameter {', '.join(strange)}.")
    needed = [one.name for one in model.parameters if one.is_in_all]
    if lost := [name for name in needed if name not in draws]:
        raise ValueError(f"{path} is not a whole result: it has no draws of {', '.join(lost)}.")
    for name, values in draws.items():
        if values.dims != wanted[str(name)]:
            raise ValueError(
                f"{path}: {name} has the axes {', '.join(map(str, values.dims))}; the model's are "
                f"{', '.join(wanted[str(name)])}."
            )
        if values.dtype.kind != "f":
            raise ValueError(f"{path}: the draws of {name} are {values.dtype}, not numbers.")
        if not np.all(np.isfinite(values.values)):
            raise ValueError(f"{path}: {name} has draws that are not finite.")
    try:
        hold(model.supports, {str(name): one.values for name, one in draws.items()}, len(DRAWS))
    except ValueError as error:
        raise ValueError(f"{path}: a draw of {error}") from error
    for dim in draws.dims:
        if dim not in draws.coords:
            raise ValueError(f"{path}: the axis {dim} has no names.")


def _check_statistics(path: Any, groups: Mapping[str, xr.Dataset]) -> None:
    draws, statistics = groups["posterior"], groups["sample_stats"]
    sizes = {dim: draws.sizes.get(dim) for dim in DRAWS}
    for name in STATISTICS:
        if name not in statistics or statistics[name].dims != DRAWS:
            raise ValueError(f"{path} is not a whole result: sample_stats has no {name}.")
    for group in ("sample_stats", "log_likelihood"):
        if group in groups and {dim: groups[group].sizes.get(dim) for dim in DRAWS} != sizes:
            raise ValueError(f"{path}: {group} and posterior differ in their numbers of draws.")


def known_model(name: str, home: str) -> type[Model]:
    """The class of models with a given name.

    Args:
        name: name of the class.
        home: the module that defines it, imported here if it belongs to hawkesjax.

    Raises:
        ValueError: when no class of that name has been imported.
    """
    if name not in Model.known and re.fullmatch(r"hawkesjax\.\w+\.model", home):
        importlib.import_module(home)
    if name not in Model.known:
        raise ValueError(f"This is a result of the model {name!r}: import {home} first.")
    return Model.known[name]
