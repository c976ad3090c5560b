"""What every model can be asked for: `simulate`. Each model registers its own way."""

from __future__ import annotations

from functools import singledispatch
from typing import Any


@singledispatch
def simulate(model: Any, params: Any, **options: Any) -> Any:
    """Draw data from a model with known parameters.

    The options are those of the model's own function: `hawkesjax.models.simulate_hawkes`.

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
