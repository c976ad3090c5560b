"""What a Katz spike model says beside its priors: how rates arise, and how they become activity."""

from __future__ import annotations

import abc
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import jax.numpy as jnp
import numpy as np

FormName = Literal["additive", "multiplicative"]
LinkName = Literal["hazard", "poisson", "clip"]


class Link(abc.ABC):
    """A link: the law of a user's activity in a bin, given its rate eta."""

    name: ClassVar[LinkName]
    posts: ClassVar[bool] = False  # whether posts are counted, not active bins
    silence: ClassVar[bool] = False  # whether silent bins need a sum, not `exp(-eta)` alone

    @abc.abstractmethod
    def log_terms(self, eta: Any, silent: Any) -> Any:
        """Log probability of an active bin (a post) or a silent one, once `-eta` is set apart:
        then silent bins have nothing to add. With `silence` nothing is set apart."""

    @abc.abstractmethod
    def mean(self, eta: np.ndarray) -> np.ndarray:
        """Expected activity of a bin, on the host."""


class Hazard(Link):
    """Active with probability `1 - exp(-eta)`."""

    name = "hazard"

    def log_terms(self, eta, silent):
        # log expm1(eta) without overflow: eta + log(1 - exp(-eta))
        return eta + jnp.log(-jnp.expm1(-eta))

    def mean(self, eta):
        return -np.expm1(-eta)


class Poisson(Link):
    """Numbers of posts, of mean eta."""

    name = "poisson"
    posts = True

    def log_terms(self, eta, silent):
        return jnp.log(eta)

    def mean(self, eta):
        return eta


class Clip(Link):
    """Active with probability `min(eta, 1)`, for replication."""

    name = "clip"
    silence = True

    def log_terms(self, eta, silent):
        certain = eta >= 1
        inside = jnp.where(certain, 0.5, eta)
        value = jnp.log(jnp.where(silent, 1 - inside, inside))
        return jnp.where(certain, jnp.where(silent, -jnp.inf, 0.0), value)

    def mean(self, eta):
        return np.minimum(eta, 1)


@dataclass(frozen=True)
class Form:
    """How what was heard changes a rate, of NumPy and JAX arrays alike.

    Args:
        multiplies: whether it multiplies the baseline, `b (1 + alpha r)`, or adds, `b + alpha r`.
    """

    multiplies: bool

    def rate(self, base: Any, alpha: Any, heard: Any) -> Any:
        """eta of a baseline (times its common factor) and the messages heard."""
        return base * (1 + alpha * heard) if self.multiplies else base + alpha * heard

    def set_off(self, alpha: Any, heard: Any, base: Any) -> Any:
        """What the messages heard add to the rate."""
        return alpha * heard * base if self.multiplies else alpha * heard

    def apart(self, alpha: Any, heard: Any) -> Any:
        """The part of `set_off` that does not depend on the baseline."""
        return 0.0 if self.multiplies else alpha * heard

    def weights(self, weight: Any, base: Any, listener: Any) -> Any:
        """Weights of the edges of the matrix that stands for A in `(I - alpha A) s = b`."""
        return weight * base[listener] if self.multiplies else weight


LINKS: dict[str, Link] = {link.name: link for link in (Hazard(), Poisson(), Clip())}
FORMS = {"additive": Form(multiplies=False), "multiplicative": Form(multiplies=True)}


def form_of(name: str) -> Form:
    """The form of a name; an unknown one is refused."""
    if name not in FORMS:
        raise ValueError(f"form is {name!r}; it must be one of {', '.join(map(repr, FORMS))}.")
    return FORMS[name]


@dataclass(frozen=True)
class Settings:
    """The settings of `hawkesjax.KatzSpike`, on which counts, layouts and likelihood depend."""

    link: LinkName = "hazard"
    form: FormName = "additive"
    baseline: Literal["integrated", "recent", "free"] = "integrated"
    memory: float = 0.0
    common_factor: Any = None

    @property
    def bare(self) -> Settings:
        """The settings without the rest of the model."""
        return Settings(**{one.name: getattr(self, one.name) for one in fields(Settings)})

    @property
    def link_rule(self) -> Link:
        """How a rate becomes activity."""
        return LINKS[self.link]

    @property
    def form_rule(self) -> Form:
        """How what was heard changes a rate."""
        return FORMS[self.form]
