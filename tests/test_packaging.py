"""What a user gets: the wheel, the lock, the typed package, the README's commands."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points, version
from pathlib import Path

import jax
import pytest

import hawkesjax
from hawkesjax._version import __version__
from tests.cli.driver import run


@pytest.fixture(scope="module")
def pyproject(repository: Path) -> dict:
    return tomllib.loads((repository / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built and unpacked in an empty folder, as an installer would lay it out."""
    pytest.importorskip("hatchling", reason="the build backend is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=repository, check=True, capture_output=True)
    (built,) = folder.glob("hawkesjax-*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_wheel_holds_the_whole_package(repository: Path, wheel: Path) -> None:
    source = repository / "hawkesjax"
    wanted = {
        str(path.relative_to(repository))
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {str(path.relative_to(wheel)) for path in wheel.rglob("*") if path.is_file()}
    assert wanted <= packed
    assert "hawkesjax/py.typed" in packed
    extra = {name for name in packed - wanted if ".dist-info/" not in name}
    assert not extra


def test_every_folder_is_a_package(repository: Path) -> None:
    folders = {path.parent for path in (repository / "hawkesjax").rglob("*.py")}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").exists()]


def test_wheel_works_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    program = (
        "import pathlib, pkgutil, importlib, sys, hawkesjax\n"
        "names = [m.name for m in pkgutil.walk_packages(hawkesjax.__path__, 'hawkesjax.')]\n"
        "[importlib.import_module(name) for name in names if not name.endswith('__main__')]\n"
        "print(pathlib.Path(hawkesjax.__file__).parent, hawkesjax.__version__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(wheel / "hawkesjax"), __version__]


def test_version_is_written_once(repository: Path, pyproject: dict) -> None:
    assert hawkesjax.__version__ == __version__
    assert "version" in pyproject["project"]["dynamic"]
    assert __version__ in (repository / "CHANGELOG.md").read_text()


def test_installed_metadata_agrees() -> None:
    try:
        assert version("hawkesjax") == __version__
    except ModuleNotFoundError:
        pytest.skip("running from the source tree, not installed")
    (script,) = entry_points(group="console_scripts", name="hawkesjax")
    assert script.value == "hawkesjax.cli:main"


def test_importing_sets_no_configuration() -> None:
    program = (
        "import jax, logging, warnings\n"
        "before = dict(jax.config.values), list(warnings.filters)\n"
        "import numpyro, optax\n"
        "between = dict(jax.config.values), list(warnings.filters)\n"
        "import hawkesjax\n"
        "after = dict(jax.config.values), list(warnings.filters)\n"
        "assert after == between, 'importing hawkesjax changed the configuration'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_lock_names_no_registry_and_hashes_everything(repository: Path) -> None:
    text = (repository / "requirements.lock").read_text()
    assert "://" not in text
    entries = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert entries
    assert all("==" in entry and entry.endswith("\\") for entry in entries)
    assert not list(repository.glob("uv.lock")) + list(repository.glob("pylock*.toml"))


def test_lock_covers_what_is_declared(repository: Path, pyproject: dict) -> None:
    locked = set(re.findall(r"^([\w.-]+)==", (repository / "requirements.lock").read_text(), re.M))
    groups = pyproject["dependency-groups"].values()
    declared = sum(groups, pyproject["project"]["dependencies"])
    names = {re.match(r"[\w.-]+", line).group().lower().replace("_", "-") for line in declared}
    assert names <= locked


def test_citation_file_is_valid(repository: Path, pyproject: dict) -> None:
    yaml = pytest.importorskip("yaml")
    citation = yaml.safe_load((repository / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == __version__
    urls = pyproject["project"].get("urls", {})
    assert citation.get("repository-code") == urls.get("Repository")
    released = f"## [{__version__}] - {citation['date-released']}"
    assert released in (repository / "CHANGELOG.md").read_text()


def test_no_address_is_a_placeholder(repository: Path) -> None:
    for name in ("pyproject.toml", "CITATION.cff", "README.md", "docs/conf.py"):
        assert not re.search(r"OWNER|example\.(org|com)", (repository / name).read_text()), name


def test_the_suite_runs_as_conftest_says() -> None:
    assert jax.config.jax_enable_x64 == (os.environ["JAX_ENABLE_X64"].lower() in ("1", "true"))
    if jax.default_backend() == "cpu":
        assert jax.device_count() >= 2


@pytest.mark.slow
def test_readme_commands_follow_each_other_in_an_empty_folder(
    repository: Path, tmp_path: Path
) -> None:
    text = (repository / "README.md").read_text()
    lines = "".join(re.findall(r"^```bash\n(.*?)^```", text, re.M | re.S)).splitlines()
    commands = [line for line in lines if line.startswith("hawkesjax ")]
    assert commands[0].startswith("hawkesjax simulate")
    few = {"demo": ["--quick"], "sample": ["--chains", "2", "--warmup", "150", "--draws", "150"]}
    for line in commands:
        command = line.split()[1:]
        done = subprocess.run(
            [sys.executable, "-m", "hawkesjax", *command, *few.get(command[0], [])],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(repository), "XDG_CACHE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (line, done.stderr)
        assert "ArviZ" not in done.stderr
    code, printed = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.S).groups()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
    )
    assert [line.rstrip() for line in done.stdout.splitlines()] == [
        line.rstrip() for line in printed.splitlines()
    ], done.stderr


def test_the_announcement_of_another_package_is_not_shown(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", "-c",
         "from hawkesjax.core.diagnostics import arviz; arviz().rhat"],
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == ""


def test_readme_names_commands_that_exist(repository: Path) -> None:
    blocks = re.findall(r"^```bash\n(.*?)^```", (repository / "README.md").read_text(), re.M | re.S)
    text = "".join(blocks)
    commands = set(re.findall(r"^hawkesjax (\w+)", text, re.M))
    assert {"demo", "fit", "sample", "simulate"} <= commands
    for code, _, said in run([[command, "--help"] for command in sorted(commands)], repository):
        assert code == 0, said
    targets = set(re.findall(r"^make ([\w-]+)", text, re.M))
    assert {"run", "test"} <= targets
    makefile = (repository / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, re.M) for target in targets)
