"""The notebooks run from top to bottom; and in a plain one, figures and results show themselves."""

import os
import subprocess
import sys

import jupytext
import nbclient
import nbformat
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


CELLS = """
import hawkesjax as hj
panel = hj.EventPanel.from_arrays([0.5, 2.0, 2.5], ["a", "b", "a"], window=(0, 3), unit="day")
panel
#
truth = {"mu": [[1.0, 1.0]], "alpha": [[0.3, 0.1], [0.2, 0.3]], "gamma": 2.0}
hj.plots.intensity(truth, panel, model=hj.Hawkes(decay="shared"))
#
hj.plots.residuals(truth, panel, model=hj.Hawkes(decay="shared")).show()
"""


def test_figures_and_data_show_themselves_in_a_plain_notebook(repository, monkeypatch):
    """Without %matplotlib, and without a backend that somebody chose."""
    monkeypatch.setenv("PYTHONPATH", str(repository))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    cells = [nbformat.v4.new_code_cell(code.strip()) for code in CELLS.split("#\n")]
    book = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(book, timeout=600, kernel_name="python3").execute()
    shown = [[one.get("data", {}) for one in cell.outputs] for cell in book.cells]
    assert "text/html" in shown[0][-1]
    assert "image/png" in shown[1][-1] and "image/png" in shown[2][-1]
