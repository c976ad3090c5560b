"""What all tests share: 64-bit floats, two host devices, no screen, and the real data's folder.

jax reads the environment when it is first imported, so this comes before any such import. Set
``JAX_ENABLE_X64=0`` to run the suite in single precision, ``HAWKESJAX_DATA`` to point at the data.
"""

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
# Small matrices, several workers: threads of a BLAS would only wait for each other.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
if "host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_force_host_platform_device_count=2".strip()

import jax  # noqa: E402
import jaxtyping  # noqa: E402


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


# Before anything imports the package, whose annotations are checked (pyproject.toml).
jax.tree_util.register_dataclass = register_unchecked

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def untyped() -> Iterator[None]:
    """A caller whom no type checker warns, so that the door has to."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """The path of a real data set by name; the test is skipped where it is not there."""
    folder = Path(os.environ.get("HAWKESJAX_DATA", ROOT.parent / "shared" / "data"))

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            pytest.skip(f"the real data set {name!r} is not here (set HAWKESJAX_DATA)")
        return path

    return find


@pytest.fixture(scope="session")
def reference_results() -> Callable[[str], Path]:
    """Results of other implementations, by name; the test is skipped where they are not there."""
    folder = Path(os.environ.get("HAWKESJAX_REFERENCE", ROOT.parent / "shared" / "reference"))

    def find(name: str) -> Path:
        for path in (folder / name, folder.parent / name):
            if path.exists():
                return path
        pytest.skip(f"the reference results {name!r} are not here (set HAWKESJAX_REFERENCE)")

    return find
