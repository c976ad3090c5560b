"""Parameters of a retweet model out of whatever holds them, checked against the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from hawkesjax.core.draws import draws_of as core_draws
from hawkesjax.core.draws import thinned
from hawkesjax.core.estimate import Estimate
from hawkesjax.core.posterior import Posterior
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.law import RetweetLaw
from hawkesjax.retweet.likelihood import check_supports
from hawkesjax.retweet.prepared import feature_names, lengths_of
from hawkesjax.retweet.swing import pair_of


def draws_of(
    values: Any, model: RetweetLaw, data: Cascades, limit: int | None = None
) -> dict[str, np.ndarray]:
    """The model's parameters with a leading axis of draws (one for a dict or an estimate).

    The swing is among them always, as a pair: 0 where no post has a level of sentiment.

    Raises:
        ValueError: when one is missing, of another shape than the model's for these data, or
            outside its support, or the features are not those of the data.
    """
    shapes = model.shapes(data)
    params = {name: np.asarray(one, np.float64) for name, one in core_draws(values).items()}
    own = feature_names(data)
    fitted = values.coords["feature"] if isinstance(values, Estimate | Posterior) else own
    if list(fitted) != list(own):
        raise ValueError(
            f"The fit has the features {', '.join(fitted)}; the data have {', '.join(own)}. Give "
            f"covariates of the same features in this order."
        )
    if "swing" not in params and {"r0", "phi0"} <= set(params):
        shapes = {n: shape for n, shape in shapes.items() if n != "swing"} | {"r0": (), "phi0": ()}
    missing = [name for name in shapes if name not in params]
    if missing:
        raise ValueError(f"Parameters {missing} are missing; needed are {list(shapes)}.")
    params = {name: params[name] for name in shapes}
    for name, value in params.items():
        if value.shape[1:] != shapes[name]:
            what = {
                "beta": f", one for each of the features {', '.join(own)}",
                "p0": ", one for each post",
            }.get(name, "")
            raise ValueError(f"{name} has shape {value.shape[1:]}; needed is {shapes[name]}{what}.")
    largest = float(np.max(np.asarray(data.sentiment, np.float64), initial=0.0))
    check_supports(params, (1 + 1e-6) / largest if largest > 0 else np.inf)  # the bound is rounded
    if "r0" in params:
        pair = pair_of(params.pop("r0"), params.pop("phi0"), lengths_of(model, data)[1])
        params["swing"] = np.stack(pair, axis=-1)
    return thinned({"swing": np.zeros((1, 2))} | params, limit)
