"""The verbs of every model: each is dispatched to the model's own method of that name.

A verb checks that the model comes first, that the data are of the model's type and the values of
its kind; each model's method documents its options: `help(hj.Hawkes.forecast)`. A verb that a model
does not have raises an error that names an alternative.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar

from hawkesjax.core.draws import model_of, not_values
from hawkesjax.core.estimate import Estimate
from hawkesjax.core.model import Model, as_model
from hawkesjax.core.posterior import Posterior
from hawkesjax.core.supports import hold

Options = ParamSpec("Options")
Result = TypeVar("Result", covariant=True)


# Protocols for a model with the method of a verb, from which the verb takes options and result.


class Simulates(Protocol[Options, Result]):
    def simulate(self, *args: Options.args, **options: Options.kwargs) -> Result: ...


class Forecasts(Protocol[Options, Result]):
    def forecast(self, *args: Options.args, **options: Options.kwargs) -> Result: ...


class LeavesResiduals(Protocol[Options, Result]):
    def residuals(self, *args: Options.args, **options: Options.kwargs) -> Result: ...


class Evaluates(Protocol[Options, Result]):
    def evaluate(self, *args: Options.args, **options: Options.kwargs) -> Result: ...


class Checks(Protocol[Options, Result]):
    def predictive_check(self, *args: Options.args, **options: Options.kwargs) -> Result: ...


def simulate(
    model: Simulates[Options, Result], *args: Options.args, **options: Options.kwargs
) -> Result:
    """Draw data, of the type that the model is fitted to, from a model with known parameters.

    Args:
        model: a model.
        *args: its natural parameters, a dict of arrays or an `Estimate`; for `KatzSpike` also the
            network to walk on.
        **options: always `key=` (a PRNG key; the same key gives the same data), and what the
            model's own `simulate` needs: windows, names, caps.

    Raises:
        ValueError: for something that is not a model, and as the model's own method.
    """
    return _call(model, "simulate", args, options)


def forecast(
    model: Forecasts[Options, Result], *args: Options.args, **options: Options.kwargs
) -> Result:
    """Continue the data beyond their window, given the past.

    Args:
        model: a model.
        *args: values (a `Posterior`, whose uncertainty the intervals include, an `Estimate`, or a
            dict of natural parameters) and data, the past.
        **options: always `horizon=` and `key=`; others by model.

    Raises:
        ValueError: for something that is not a model, other data, and as the model's own method.
    """
    return _call(model, "forecast", args, options)


def residuals(
    model: LeavesResiduals[Options, Result], *args: Options.args, **options: Options.kwargs
) -> Result:
    """Residuals on a scale whose distribution is known under the true model.

    Args and Raises are those of `forecast`; options by model.
    """
    return _call(model, "residuals", args, options)


def evaluate(
    model: Evaluates[Options, Result], *args: Options.args, **options: Options.kwargs
) -> Result:
    """Score a fit on later data.

    Args and Raises are those of `forecast`, but the values were fitted to the past and the data
    include past and held-out data; `cut=` is where the past ends, `key=` and others by model.
    """
    return _call(model, "evaluate", args, options)


def predictive_check(
    model: Checks[Options, Result], *args: Options.args, **options: Options.kwargs
) -> Result:
    """Simulate data from whole draws, and compare their statistics with those of the data.

    Args and Raises are those of `forecast`; always `key=`, other options by model.
    """
    return _call(model, "predictive_check", args, options)


def attribution(
    values: Any,
    data: Any,
    *,
    model: Model | None = None,
    links: Sequence[tuple[str, str]] | None = None,
    draws: int = 200,
    max_bytes: int = 2**31,
) -> Any:
    """The probable cause of each event, and which events a link accounts for.

    Args:
        values: a `Posterior`, an `Estimate`, or a dict of natural parameters (one draw).
        data: the events.
        model: needed only with a dict.
        links, draws, max_bytes: see `hj.Hawkes.attribution`, which also describes the result.

    Raises:
        ValueError: for a dict without its model, other data, and as the model's own method.
    """
    if isinstance(values, Model):
        raise ValueError(
            "attribution takes the values first, then the data; pass a model as model=."
        )
    known = model_of(values, model)
    if known is None:
        if not isinstance(values, Mapping):
            raise not_values(values)
        raise ValueError("A dict of parameters does not name its model: pass model=Hawkes().")
    options = {"links": links, "draws": draws, "max_bytes": max_bytes}
    return _call(known, "attribution", (values, data), options)


def _sign(verb: Any, shown: Any) -> None:
    """Give a verb the arguments that all models have in common, for `help` and notebooks."""
    verb.__signature__ = inspect.signature(shown)


_sign(simulate, lambda model, params, *, key, **options: None)
_sign(forecast, lambda model, values, data, *, horizon, key, **options: None)
_sign(residuals, lambda model, values, data, **options: None)
_sign(evaluate, lambda model, values, data, *, cut, key, **options: None)
_sign(predictive_check, lambda model, values, data, *, key, **options: None)


def _call(model: Any, verb: str, args: Any, options: Any) -> Any:
    method = getattr(as_model(model), verb)
    given = inspect.signature(method).bind(*args, **options).arguments
    if "data" in given:
        if isinstance(given.get("values"), model.data_type):
            raise ValueError(
                f"The data come last: {verb}(model, values, data), where values are a Posterior, "
                f"an Estimate or a dict of natural parameters."
            )
        model.accept(given["data"])
    if "values" in given:
        if not isinstance(given["values"], Estimate | Posterior | Mapping):
            raise not_values(given["values"])
        model_of(given["values"], model)
        if isinstance(given["values"], Mapping):
            hold(model.supports, given["values"])
    return method(*args, **options)
