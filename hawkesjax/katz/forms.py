"""How what was heard changes a rate: the forms of the Katz spike model."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, Literal

FormName = Literal["additive", "multiplicative"]


class Form(abc.ABC):
    """A form. Its methods take NumPy and JAX arrays alike."""

    name: ClassVar[FormName]
    multiplies: ClassVar[bool]  # whether what is heard multiplies the baseline

    @abc.abstractmethod
    def rate(self, base: Any, alpha: Any, heard: Any) -> Any:
        """eta of a baseline (times its common factor) and the messages heard."""

    @abc.abstractmethod
    def set_off(self, alpha: Any, heard: Any, base: Any) -> Any:
        """What the messages heard add to the rate."""

    @abc.abstractmethod
    def apart(self, alpha: Any, heard: Any) -> Any:
        """The part of `set_off` that does not depend on the baseline."""

    @abc.abstractmethod
    def weights(self, weight: Any, base: Any, listener: Any) -> Any:
        """Weights of the edges of the matrix that stands for A in `(I - alpha A) s = b`."""


class Additive(Form):
    """`b + alpha r`."""

    name = "additive"
    multiplies = False

    def rate(self, base, alpha, heard):
        return base + alpha * heard

    def set_off(self, alpha, heard, base):
        return alpha * heard

    def apart(self, alpha, heard):
        return alpha * heard

    def weights(self, weight, base, listener):
        return weight


class Multiplicative(Form):
    """`b (1 + alpha r)`."""

    name = "multiplicative"
    multiplies = True

    def rate(self, base, alpha, heard):
        return base * (1 + alpha * heard)

    def set_off(self, alpha, heard, base):
        return alpha * heard * base

    def apart(self, alpha, heard):
        return 0.0

    def weights(self, weight, base, listener):
        return weight * base[listener]


FORMS: dict[str, Form] = {form.name: form for form in (Additive(), Multiplicative())}


def form_of(name: str) -> Form:
    """The form of a name.

    Raises:
        ValueError: when there is none.
    """
    if name not in FORMS:
        raise ValueError(f"form is {name!r}; it must be one of {', '.join(map(repr, FORMS))}.")
    return FORMS[name]
