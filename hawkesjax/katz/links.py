"""How a rate becomes activity: the links of the Katz spike model."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, Literal

import jax.numpy as jnp
import numpy as np

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


LINKS: dict[str, Link] = {link.name: link for link in (Hazard(), Poisson(), Clip())}
