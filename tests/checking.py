"""The package's annotations, shapes and types, are checked at every call of every test."""

import contextlib
import dataclasses
import functools
import typing
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import beartype
import jax
import jaxtyping
import numpy as np

F = TypeVar("F", bound=Callable)

# NumPy makes numbers of its own of arrays without dimensions: these stand for those, and either for
# a number; an int may stand where a float is annotated, as for every other type checker.
NUMBER = jaxtyping.Shaped[np.ndarray, ""]
_check = beartype.beartype(
    conf=beartype.BeartypeConf(
        hint_overrides=beartype.FrozenDict(
            {
                np.ndarray: np.ndarray | np.generic,
                float: float | int | np.floating | np.integer | NUMBER,
                int: int | np.integer | NUMBER,
                bool: bool | np.bool_,
            }
        )
    )
)


def checked(function: F) -> F:
    """The function with its annotations checked, but for what only static checkers know: `Self`,
    and protocols, which tell users' editors of a verb's options; verbs check in their own words.

    jaxtyping asks for two checkers of each function: one of its arguments and, once these have
    passed, one of arguments and returned value, where the arguments need no second check. A checker
    is made when it is first called, since a test calls few of the thousands.
    """
    hints = function.__annotations__
    returns = hints.get("return", Any) is not Any
    for name, hint in hints.items():
        kind = typing.get_origin(hint) or hint
        protocol = getattr(kind, "_is_protocol", False)
        passed = returns and name != "return"
        if passed or protocol or typing.Self in (hint, *typing.get_args(hint)):
            hints[name] = Any
    if all(hint is Any for hint in hints.values()):
        return function
    made = []

    @functools.wraps(function)
    def check(*args: Any, **named: Any) -> Any:
        if not made:
            made.append(_check(function))
        return made[0](*args, **named)

    return check


def register_unchecked(cls: type, **names) -> type:
    """What `jax.tree_util.register_dataclass` does, without `__init__` when jax rebuilds a tree.

    There the leaves may be anything: gradients of whole numbers, `None`, a further dimension. What
    the package itself builds is checked.
    """
    fields = [field for field in dataclasses.fields(cls) if field.init]
    static = [field.name for field in fields if field.metadata.get("static")]
    leaves = [field.name for field in fields if not field.metadata.get("static")]

    def flatten(tree):
        return [getattr(tree, name) for name in leaves], tuple(getattr(tree, n) for n in static)

    def flatten_with_keys(tree):
        values, rest = flatten(tree)
        keys = map(jax.tree_util.GetAttrKey, leaves)
        return list(zip(keys, values, strict=True)), rest

    def unflatten(rest, values):
        tree = object.__new__(cls)
        for name, value in zip(static + leaves, (*rest, *values), strict=True):
            object.__setattr__(tree, name, value)
        return tree

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
    return cls


def install() -> None:
    """Check all that is imported of the package from now on."""
    jax.tree_util.register_dataclass = register_unchecked
    jaxtyping.install_import_hook("hawkesjax", "tests.checking.checked")


def unchecked(raises: Callable) -> Callable:
    """`pytest.raises` within which nothing is checked: there wrong types are given on purpose, as
    by users whom no type checker warns, so that the door has to."""

    @contextlib.contextmanager
    def within(*args: Any, **options: Any) -> Iterator[Any]:
        before = jaxtyping.config.jaxtyping_disable
        jaxtyping.config.update("jaxtyping_disable", True)
        try:
            with raises(*args, **options) as caught:
                yield caught
        finally:
            jaxtyping.config.update("jaxtyping_disable", before)

    return within
