"""Where a retweet model's maximum lies on an edge, so that a standard error would mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hawkesjax.retweet.prepared import PreparedCascades


def at_boundary(
    model: Any, params: Mapping[str, Any], data: PreparedCascades
) -> dict[str, np.ndarray]:
    """See `RetweetHawkes.at_boundary`."""
    edge = {name: np.zeros(np.shape(value), bool) for name, value in params.items()}
    if "beta" in edge:
        features = np.asarray(data.features, np.float64)
        rates = np.exp(features @ np.asarray(params["beta"], np.float64))
        edge["beta"] = (np.asarray(data.durations) * rates) @ (features != 0) < 0.01
    if "p0" in edge:
        expected = np.asarray(params["p0"]) * np.asarray(model.exposures(params, data))
        edge["p0"] = expected < 0.01
    if "p0_shape" in edge:
        edge["p0_shape"] = np.asarray(params["p0_shape"]) > 1e6
    if "swing" in edge:
        size = np.hypot(*np.asarray(params["swing"], np.float64))
        edge["swing"] |= size > (1 - 1e-6) * float(data.bound)
    if "tau" in edge:
        edge["tau"] = np.asarray(params["tau"]) > 1e3 * np.sum(np.asarray(data.durations))
    for name, prior in model.sites(data).items():
        for side in ("lower_bound", "upper_bound"):
            bound = getattr(prior.support, side, None)
            if bound is not None and np.ndim(bound) == 0 and bound != 0:
                near = np.abs(np.asarray(params[name]) / np.asarray(bound) - 1) < 1e-6
                edge[name] = edge[name] | near
    return edge
