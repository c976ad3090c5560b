"""Every example runs: those of the docstrings, and the pages' blocks of Python, page by page."""

import ast
import doctest
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj

SAMPLE, FEW = hj.sample, {"num_warmup": 100, "num_samples": 100, "num_chains": 2}
ROOT = Path(__file__).resolve().parent.parent
GIVEN = {"hj": hj, "jax": jax, "np": np, "pd": pd}
LONG = {"howto.md", "retweet.md", "records.md", "many-marks.md"}
ELSEWHERE = {"extending.md"}  # which tests/test_extending.py runs, and looks at what comes out
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def examples() -> Iterator[doctest.DocTest]:
    """The docstrings with examples, found in the source, so that wrapped functions count too."""
    parse = doctest.DocTestParser().get_doctest
    for path in sorted((ROOT / "hawkesjax").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                continue
            name = f"{module}.{getattr(node, 'name', '')}"
            test = parse(ast.get_docstring(node) or "", dict(GIVEN), name, str(path), 0)
            if test.examples:
                yield test


def blocks(page: Path) -> list[str]:
    fence = r"^```(?:python|\{code-cell\} ipython3)\n(.*?)^```"
    return re.findall(fence, page.read_text(), re.M | re.S)


def pages() -> list[Any]:
    """Pages with blocks. Those whose cells the site runs are slow, and those of 15 s, whose
    verbs are in the README and in docstrings, too."""
    found = [page for page in PAGES if blocks(page) and page.name not in ELSEWHERE]
    slow = [page.name in LONG or "{code-cell}" in page.read_text() for page in found]
    return [
        pytest.param(page, id=page.name, marks=pytest.mark.slow if long else ())
        for page, long in zip(found, slow, strict=True)
    ]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with small files of the names that examples read."""
    rng = np.random.default_rng(0)
    monkeypatch.chdir(tmp_path)
    hours = pd.Timestamp("2024-03-04T00:00Z") + pd.to_timedelta(np.arange(40.0), unit="h")
    pd.DataFrame({"sent": hours, "stance": ["for", "against"] * 20}).to_csv(
        "replies.csv", index=False
    )
    panel, _ = hj.datasets.spillover(key=jax.random.key(0), users=3, days=200)
    panel.to_dataframe().to_csv("events.csv", index=False)
    posts = 40
    days = pd.date_range("2024-01-01", periods=24 * 48, freq="h", tz="UTC")
    rate = 5 + 3 * np.sin(2 * np.pi * days.hour / 24)
    posted = pd.Series(np.random.default_rng(1).poisson(rate), name="posts")
    posted.index = days.rename("time").strftime("%Y-%m-%dT%H:%M:%SZ")
    posted.to_frame().assign(count=posted).drop(posted.index[50]).to_csv("hours.csv")
    originals = np.arange(posts) < posts // 2
    pd.DataFrame(
        {
            "id": np.arange(posts),
            "created_at": hours.tz_localize(None).strftime("%Y-%m-%dT%H:%M:%S"),
            "followers": rng.integers(10, 1000, posts),
            "retweeted_id": np.where(originals, "", np.arange(posts) - posts // 2),
            "level": np.where(originals, rng.integers(1, 6, posts).astype(str), ""),
        }
    ).to_csv("tweets.csv", index=False)
    usual, spike = rng.uniform(0, 259200, 600), rng.uniform(259200, 262800, 400)
    users = rng.integers(0, 12, (1000, 2))
    pd.DataFrame(
        {
            "time": np.sort(np.concatenate([usual, spike])).round(),
            "source": [f"u{user}" for user in users[:, 0]],
            "target": [f"u{user}" for user in users[:, 1]],
            "kind": np.where(rng.random(1000) < 0.5, "repost", "reply"),
        }
    ).to_csv("log.csv", index=False)
    (tmp_path / "network.txt").write_text("# source target\n0 1\n1 2\n2 0\n")
    page = {
        "data": [
            {"id": str(n), "author_id": "7", "created_at": f"2024-03-04T0{n}:00:00.000Z"}
            | ({"referenced_tweets": [{"type": "retweeted", "id": "1"}]} if n > 1 else {})
            for n in range(1, 6)
        ],
        "includes": {"users": [{"id": "7", "public_metrics": {"followers_count": 30}}]},
    }
    (tmp_path / "tweets.jsonl").write_text(json.dumps(page))
    return tmp_path


@pytest.mark.parametrize("test", list(examples()), ids=lambda test: test.name)
def test_docstring(test: doctest.DocTest, files: Path) -> None:
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=said.append)
    assert not said, "".join(said)


@pytest.mark.filterwarnings("ignore::hawkesjax.SamplingWarning")  # few draws, where none are named
@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")  # for the same reason
@pytest.mark.parametrize("page", pages())
def test_page(page: Path, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def quick(model, data, **options):  # what is asked for on the page would take a minute
        return SAMPLE(model, data, **(options | FEW))

    monkeypatch.setattr(hj, "sample", quick)
    namespace = {"__name__": page.stem}
    for block in blocks(page):
        exec(compile(block, page.name, "exec"), namespace)
    assert page.name != "README.md" or (files / "fit.nc").exists()
