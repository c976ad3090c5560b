"""The notebooks run from top to bottom."""

import os
import subprocess
import sys

import jupytext
import pytest

# Each, and what it must have printed.
NOTEBOOKS = {
    "spillover": "Converged",
    "email_panel": "Converged",
    "katz": "KatzEvaluation: top",
    "katz_model": "onverged",
    "retweets": "Converged",
}


# The site runs them all; what these do beyond the other has tests of its own.
LONG = set(NOTEBOOKS) - {"katz"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in NOTEBOOKS],
)
def test_a_notebook_runs(name, repository, tmp_path):
    path = repository / "notebooks" / f"{name}.py"
    environment = os.environ | {
        "MPLBACKEND": "Agg",
        "HAWKESJAX_QUICK": "1",
        "PYTHONPATH": str(repository),
        "HAWKESJAX_DATA": os.environ.get(
            "HAWKESJAX_DATA", str(repository.parent / "shared" / "data")
        ),
    }
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert NOTEBOOKS[name] in done.stdout


@pytest.mark.parametrize("name", list(NOTEBOOKS))
def test_a_notebook_is_a_notebook(name, repository):
    book = jupytext.read(repository / "notebooks" / f"{name}.py")
    kinds = [cell.cell_type for cell in book.cells]
    assert kinds[0] == "markdown"
    assert kinds.count("code") >= 5
    assert book.metadata["kernelspec"]["name"] == "python3"
