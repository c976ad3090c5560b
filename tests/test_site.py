"""The site: every public name, command and page has its place."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

import hawkesjax as hj

MODULES = ("katz", "plots", "forecasters", "datasets")


@pytest.fixture(scope="module")
def docs(repository: Path) -> Path:
    return repository / "docs"


def public_names() -> set[str]:
    """As the reference writes them, without the package."""
    inner = {
        f"{module}.{name}"
        for module in ("katz", "plots", "forecasters")
        for name in getattr(hj, module).__all__
        if name != "katz"
    }
    katz = hj.plots.katz
    drawn = {
        f"plots.katz.{name}"
        for name, value in vars(katz).items()
        if inspect.isfunction(value) and value.__module__ == katz.__name__ and name[0] != "_"
    }
    own = {name for name in hj.__all__ if name not in MODULES and not name.startswith("__")}
    return own | inner | drawn | {"datasets.spillover", "datasets.rumours"}


def test_every_public_name_is_in_the_reference_once(docs: Path) -> None:
    text = "".join(path.read_text() for path in (docs / "api").glob("*.md"))
    listed = re.findall(r"^\.\. auto(?:class|function|exception):: hawkesjax\.(\S+)$", text, re.M)
    assert sorted(listed) == sorted(public_names())


def test_every_picture_is_in_the_gallery(docs: Path) -> None:
    gallery = (docs / "gallery.md").read_text()
    drawn = {name for name in public_names() if name.startswith("plots.")}
    assert not [name for name in drawn if f"hj.{name}(" not in gallery]


def test_every_page_is_in_a_toctree(docs: Path) -> None:
    pages = {
        path.relative_to(docs).with_suffix("").as_posix()
        for path in docs.rglob("*.md")
        if not {"_build", "jupyter_execute"} & set(path.parts)
    }
    pages |= {f"analyses/{path.stem}" for path in (docs.parent / "notebooks").glob("*.py")}
    found = {"index"}
    for page in docs.rglob("*.md"):
        for tree in re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text(), re.M | re.S):
            names = [line for line in tree.split("\n") if line and not line.startswith(":")]
            folder = page.parent.relative_to(docs)
            found |= {(folder / name).as_posix() for name in names}
    assert found == pages


def test_the_commands_are_listed_from_themselves(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(docs / "_ext")
    text = importlib.import_module("commands").reference()
    for command in ("## hawkesjax fit", "### hawkesjax katz rank", "`--target-accept` P", "FILE"):
        assert command in text
    assert "<!-- commands -->" in (docs / "cli.md").read_text()
