"""What a Katz spike model says beside its priors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hawkesjax.katz.forms import FORMS, Form, FormName
from hawkesjax.katz.links import LINKS, Link, LinkName


@dataclass(frozen=True)
class Settings:
    """The settings of `hawkesjax.KatzSpike`, on which counts, layouts and likelihood depend."""

    link: LinkName = "hazard"
    form: FormName = "additive"
    baseline: Literal["integrated", "free"] = "integrated"
    memory: float = 0.0
    common_factor: Any = None

    @property
    def link_rule(self) -> Link:
        """How a rate becomes activity."""
        return LINKS[self.link]

    @property
    def form_rule(self) -> Form:
        """How what was heard changes a rate."""
        return FORMS[self.form]
