"""What a Katz spike model says beside its priors: how rates are made and become activity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

LinkName = Literal["hazard", "poisson", "clip"]
FormName = Literal["additive", "multiplicative"]


@dataclass(frozen=True)
class Settings:
    """The settings of `hawkesjax.KatzSpike`, on which counts, layouts and likelihood depend."""

    link: LinkName = "hazard"
    form: FormName = "additive"
    baseline: Literal["integrated", "free"] = "integrated"
    memory: float = 0.0
    common_factor: Any = None
