"""What every model can be asked for: `simulate`. Each model registers its own way."""

from __future__ import annotations

from functools import singledispatch
from typing import Any


@singledispatch
def simulate(model: Any, params: Any, **options: Any) -> Any:
    """Draw data from a model with known parameters.

    The options are those of the model's own function: `hawkesjax.hawkes.simulate`.

    Args:
        model: a model.
        params: its natural parameters, a dict of arrays or an `Estimate`.
        **options: `key=` always (a PRNG key; the same key gives the same data), and what the
            model needs: windows, names, caps.

    Returns:
        Data of the kind that the model is fitted to.

    Raises:
        ValueError: for something that is no model.
    """
    raise unknown(model)


def unknown(model: Any) -> ValueError:
    """The error for something that is no model, or a class where a model is needed."""
    what = model.__name__ if isinstance(model, type) else type(model).__name__
    hint = f"; write {what}()" if isinstance(model, type) else ""
    return ValueError(f"The first argument must be a model, such as Hawkes(), not {what}{hint}.")


@singledispatch
def forecast(model: Any, values: Any, data: Any, **options: Any) -> Any:
    """Continue the data beyond their window, given what is known of them.

    Args:
        model: a model.
        values: a `Posterior` (its uncertainty is in the intervals), an `Estimate`, or a dict of
            natural parameters.
        data: the past.
        **options: `horizon=` and `key=` always; others by model.
    """
    raise unknown(model)


@singledispatch
def residuals(model: Any, values: Any, data: Any, **options: Any) -> Any:
    """What the model leaves unexplained, on a scale whose law is known under the truth.

    Args:
        model: a model.
        values: a `Posterior`, an `Estimate`, or a dict of natural parameters.
        data: the data.
        **options: by model.
    """
    raise unknown(model)


@singledispatch
def evaluate(model: Any, values: Any, data: Any, **options: Any) -> Any:
    """Score a fit on what came after it.

    Args:
        model: a model.
        values: what was fitted on the past: a `Posterior`, an `Estimate`, or a dict of natural
            parameters.
        data: past and held-out data together.
        **options: where the past ends (`cut=`), `key=`, and others by model.
    """
    raise unknown(model)
