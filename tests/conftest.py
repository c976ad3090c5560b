"""What all tests share: 64-bit floats, two host devices, no screen, and the real data's folder.

jax reads the environment when it is first imported, so this comes before any such import. Set
``JAX_ENABLE_X64=0`` to run the suite in single precision, ``HAWKESJAX_DATA`` to point at the data.
"""

import ctypes
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
# Small matrices, several workers: threads of a BLAS would only wait for each other.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
FLAGS = (
    "--xla_force_host_platform_device_count=2",
    # The tests compile much and compute little: a quarter of their CPU time is LLVM's optimiser,
    # and the newer emitters of fused loops are half of the rest (12.8 against 6.7 s for one fit of
    # a hierarchical baseline, with the same log-likelihood to its last digit).
    "--xla_backend_optimization_level=0",
    "--xla_cpu_use_fusion_emitters=false",
    "--xla_cpu_parallel_codegen_split_count=1",
)
# One compilation serves all workers, modules and subprocesses of this run, and no later run; those
# of `make test` are kept beside its environment, and serve the next one.
own = tempfile.TemporaryDirectory(prefix="hawkesjax-tests-")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", own.name)
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None) and sys.pycache_prefix is None:
    # Each of some fifty processes would compile its libraries' sources anew: 4.5 of 6.5 s to import
    # jax and numpyro. This run's processes share theirs, and leave nothing behind.
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = own.name + "/bytecode"
    sys.dont_write_bytecode = False
# Small programs, too: a fit that finds all of its own compiled takes 2.2 s of CPU, not 3.9.
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
# Programs without the places of their operations: 3.5 s for the same fit, not 3.9.
os.environ.setdefault("JAX_INCLUDE_FULL_TRACEBACKS_IN_LOCATIONS", "0")
os.environ.setdefault("JAX_TRACEBACK_IN_LOCATIONS_LIMIT", "0")
given = os.environ.get("XLA_FLAGS", "")
more = [flag for flag in FLAGS if flag.split("=")[0] not in given]
os.environ["XLA_FLAGS"] = " ".join([given, *more]).strip()

import jax  # noqa: E402
import jaxtyping  # noqa: E402

from tests import checking  # noqa: E402

checking.install()
pytest.raises = checking.unchecked(pytest.raises)


ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def unchecked_where_refused(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests of refusals give the wrong types on purpose, as users do whom no type checker warns."""
    path, name = request.path.name, request.function.__name__
    on_purpose = "refus" in path or "refus" in name or "bad_input" in name
    jaxtyping.config.update("jaxtyping_disable", on_purpose)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
ENOUGH = 2**30 // os.sysconf("SC_PAGE_SIZE") if TRIM else 0  # pages of a worker: 1 GB


@pytest.fixture(autouse=True)
def compiled_programs() -> Iterator[None]:
    """Compiled programs go where they have filled a GB: workers stay below 2 GB.

    glibc keeps what the compiler freed unless it is asked: 2.5 GB after the ten largest fits, 0.5
    once trimmed.
    """
    yield
    if TRIM and int(Path("/proc/self/statm").read_text().split()[1]) > ENOUGH:
        jax.clear_caches()
        TRIM(0)


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
