"""What every fitted model can be asked for. Each model registers its own way."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from hawkesjax.models.verbs import unknown


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
