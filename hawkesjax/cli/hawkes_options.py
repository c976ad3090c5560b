"""Options of the Hawkes model, and the model that they name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from hawkesjax.cli import covariates as c
from hawkesjax.cli import options as o
from hawkesjax.cli.session import Speaker

KERNELS = "exponential, exponentials:2 (or more terms), power-law"


def _kernel(text: str) -> tuple[str, int]:
    """A kernel's name and its number of terms."""
    name, _, size = text.partition(":")
    if name == "exponentials" and (not size or size.isdecimal()):
        return name, int(size or 2)
    if size or ":" in text or name not in ("exponential", "power-law"):
        raise typer.BadParameter(f"{text!r} is no kernel; there are {KERNELS}.")
    return name, 1


Kernel = Annotated[
    Any,
    o.option(
        f"Memory of the effects: {KERNELS}.",
        "--kernel",
        metavar="NAME",
        panel=o.MODEL,
        parser=_kernel,
    ),
]
Ahead = Annotated[
    float | None,
    o.option(
        "Also forecast the counts of this long after the windows, in the unit of time: "
        "forecast.csv, forecast_steps.csv.",
        "--ahead",
        metavar="LENGTH",
        panel=o.MODEL,
    ),
]


def model_of(
    hj: Any,
    panel: Any,
    speaker: Speaker,
    *,
    decay: o.Decay,
    gamma: float | None,
    baseline: o.Baseline,
    kernel: Any,
    priors: o.Priors,
    stationary: bool,
    timezone: str | None,
    covariates: Path | None,
    feature: list[c.Feature] | None,
    events: Path | None,
    ahead: float | None,
) -> Any:
    """The model that was typed; covariates reach as far ahead as the forecast."""
    if ahead is not None and not (np.isfinite(ahead) and ahead > 0):
        raise ValueError(f"--ahead is {ahead:g}; it must be positive.")
    given: dict[str, Any] = {"baseline": baseline.value}
    if covariates is not None or feature or events is not None:
        windows = panel.window
        whole = (float(windows[:, 0].min()), float(windows[:, 1].max()) + (ahead or 0.0))
        known = c.read(
            hj, panel, whole, timezone=timezone, table=covariates, features=feature, events=events
        )
        speaker.say(str(known))
        # A level that all share is the covariates' own intercept.
        shared = baseline == o.Baseline.shared
        given = {"baseline": known} if shared else given | {"covariates": known}
    name, terms = kernel
    kernels = {
        "exponential": lambda: "exponential",
        "exponentials": lambda: hj.SumOfExponentials(terms),
        "power-law": hj.PowerLaw,
    }
    return hj.Hawkes(
        decay=decay.value,
        gamma=gamma,
        kernel=kernels[name](),
        priors=priors.value,
        stationary=stationary,
        **given,
    )
