"""The rule of the house: wings do not know one another, and common rooms know no wing."""

import ast
from pathlib import Path

import pytest

WINGS = ("hawkes", "retweet", "katz")
ROOMS = (
    "inputs",
    "plotting",
    "covariates",
    "core",
    "evaluation",
    "reports",
)  # each may import those before


def imported(path: Path) -> set[str]:
    """The rooms and wings of the package that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{name.name}" for name in node.names]
            assert node.level == 0, f"{path}: imports name their module in full"
        elif isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("hawkesjax.")}
    return found


def rooms_imported_from(repository: Path, room: str) -> set[str]:
    """All that the files of a folder import, from outside it."""
    files = list((repository / "hawkesjax" / room).rglob("*.py"))
    assert files
    return set().union(*map(imported, files)) - {room}


@pytest.mark.parametrize("wing", WINGS)
def test_no_wing_imports_another(repository: Path, wing: str) -> None:
    assert not rooms_imported_from(repository, wing) & (set(WINGS) | {"cli", "plots", "datasets"})


@pytest.mark.parametrize("room", ROOMS)
def test_no_common_room_imports_a_wing(repository: Path, room: str) -> None:
    above = {*WINGS, "cli", "plots", "datasets"}
    above |= set(ROOMS[ROOMS.index(room) + 1 :])
    assert not rooms_imported_from(repository, room) & above


def test_every_room_is_named_here(repository: Path) -> None:
    folders = {path.parent.name for path in (repository / "hawkesjax").glob("*/__init__.py")}
    assert folders == {*WINGS, *ROOMS, "cli"}
