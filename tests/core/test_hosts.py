"""Many hosts give what one gives: parts on two devices of this process, and processes that die."""

import json
import os
import shutil
import socket
import subprocess
import sys
import warnings
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.core.hosts import agreed, all_names, as_bytes, compare, exchange, from_bytes
from tests.cases import CASES, cascades_of
from tests.conftest import ROOT
from tests.core.hosts_worker import KINDS, SHORT, TABLE, kept
from tests.hawkes import carried
from tests.katz.model_reference import activity_of
from tests.refusals import refused

DOUBLE = jnp.zeros(()).dtype == np.float64
CLOSE = 1e-10 if DOUBLE else 1e-4
TRUTH = {"mu": [0.5, 0.4], "alpha": [[0.3, 0.1], [0.2, 0.4]], "gamma": 1.0}
PANEL = hj.simulate(
    hj.Hawkes(decay="shared"), TRUTH, window=(0, 60), num_sequences=5, key=jax.random.key(0)
)
LEVELS = replace(cascades_of(), sentiment=np.array([0.0, 0.0, 0.0, 0.0, 1.0, 2.0]))
BY_NAME = {case.name: case for case in CASES}
MIXTURE = BY_NAME["hawkes-hierarchy-mixture"]


def watched_panel():
    """Sequences of which one alone has a gap, and one alone an exposure that is not 1."""
    times, marks, sequence, _ = carried.events()
    names = {"mark_names": range(2), "sequence_names": carried.USERS}
    given = {"sequence": np.array(carried.USERS)[sequence], "keep_history": True}
    factors = {user: [(0, 5, 1.0), (5, 10, 1.0)] for user in carried.USERS}
    factors["u2"] = [(0, 5, 2.0), (5, 10, 0.5)]
    rows = [(user, *row) for user, three in factors.items() for row in three]
    known = pd.DataFrame(rows, columns=["sequence", "start", "end", "factor"])
    return hj.EventPanel.from_arrays(
        times, marks, window=carried.WINDOWS, exposure=known, **given, **names
    )


MODELS: dict[str, tuple[Any, Any, Any]] = {
    "shared decay": (hj.Hawkes(decay="shared", baseline="shared"), PANEL, TRUTH),
    "two terms, offsets integrated out": (
        MIXTURE.model.marginal(),
        PANEL,
        {name: value for name, value in MIXTURE.params.items() if name != "mu_offset"},
    ),
    **{
        name: (BY_NAME[name].model, BY_NAME[name].data, BY_NAME[name].params)
        for name in ("katz", "katz-multiplicative-poisson")
    },
    "levels in one part, posts before the window": (
        hj.RetweetHawkes(),
        LEVELS.between(0.5, 5),
        BY_NAME["retweet"].params,
    ),
    "gaps, a history, covariates and an exposure": (
        hj.Hawkes(covariates=carried.PERIODS, decay="shared"),
        watched_panel(),
        {n: carried.OWN[n] for n in ("mu", "alpha")} | {"gamma": 0.9, "beta": [[0.3], [-0.2]]},
    ),
    "sizes, traits and a lag": (
        carried.MODELS["all of it"],
        carried.panel_of(*carried.events()),
        carried.values(carried.MODELS["all of it"]),
    ),
    "silent bins, a common factor": (
        hj.KatzSpike(link="clip", common_factor="volume"),
        BY_NAME["katz"].data,
        BY_NAME["katz"].params,
    ),
}


@pytest.fixture
def mesh():
    if len(jax.devices()) < 2:
        pytest.skip("needs two devices")
    return hj.make_mesh(hosts=True)


# What priors, starts and edges depend on.
CONSTANTS = ("num_events", "bound", "cut", "guess", "rate", "influence", "spread", "radius")
CONSTANTS = (*CONSTANTS, "exposed_rates", "constant", "durations", "observed")


HEAVY = ("two terms, offsets integrated out", "sizes, traits and a lag")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n in HEAVY)) for n in MODELS]
)
def test_the_likelihood_of_parts_its_gradient_and_constants_are_those_of_the_whole(name, mesh):
    model, data, truth = MODELS[name]
    params = {n: jnp.asarray(value, float) for n, value in truth.items()}
    compute = jax.jit(jax.value_and_grad(model.log_density))
    prepared = model.prepare(data)
    value, slope = compute(params, prepared)
    shared, frame = model.shared(data, mesh)
    assert model.coords(frame) == model.coords(data)
    again, other = compute(params, shared)
    assert float(again) == pytest.approx(float(value), rel=CLOSE)
    for n, one in slope.items():
        np.testing.assert_allclose(other[n], one, rtol=100 * CLOSE, atol=100 * CLOSE)
    for n in CONSTANTS:
        if hasattr(prepared, n):
            wanted, found = (np.ravel(getattr(one, n))[:1] for one in (prepared, shared))
            np.testing.assert_allclose(found, wanted, rtol=10 * CLOSE)
    if "alpha_mean" in model.derived_dims:
        wanted, found = (one.carried.extremes.size for one in (prepared, shared))
        np.testing.assert_array_equal(found, wanted)
        wanted, found = (model.derived(params, one)["alpha_mean"] for one in (prepared, shared))
        np.testing.assert_allclose(found, wanted, rtol=CLOSE)


@pytest.mark.slow
def test_fit_and_draws_over_parts_are_those_of_the_whole(mesh, tmp_path):
    """With a checkpoint, from which a second call takes all draws."""
    model, run = hj.Hawkes(decay="shared"), SHORT | {"key": 3, "progress": False}
    one, both = hj.fit(model, PANEL, mesh=None), hj.fit(model, PANEL, mesh=mesh)
    assert both.log_likelihood == pytest.approx(one.log_likelihood, rel=CLOSE)
    assert both.num_events == one.num_events and both.data is None
    assert both.coords == one.coords and both.summary().index.equals(one.summary().index)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hj.SamplingWarning)  # so few draws
        plain = hj.sample(model, PANEL, chain_method="vectorized", **run)
        divided = [hj.sample(model, PANEL, mesh=mesh, checkpoint=tmp_path / "run", **run)
                   for _ in range(2)]  # fmt: skip
    for name, value in kept(plain.posterior).items():
        for found in divided:
            close = 1e-8 if DOUBLE else 0.5
            np.testing.assert_allclose(found.posterior[name], value, rtol=close)
        np.testing.assert_array_equal(*(found.posterior[name] for found in divided))
    for name, value in one.params.items():
        close = 1e-6 if DOUBLE else 5e-2
        np.testing.assert_allclose(both.params[name], value, rtol=close, atol=1e-3)


def test_one_process_agrees_with_itself():
    assert exchange({"a": 1}) == [{"a": 1}] and agreed(lambda: 3) == 3
    again = from_bytes(as_bytes({(0, "x"): (1, None, "a"), "b": np.arange(3.0)}))
    assert again[0, "x"] == (1, None, "a") and again["b"].tolist() == [0, 1, 2]
    with pytest.raises(OSError, match="full"):
        agreed(lambda: (_ for _ in ()).throw(OSError("the disk is full")))


ALONE = activity_of(np.zeros((1, 1)), np.eye(1, 9, 3, dtype=int), (1, 9))
SINGLE = PANEL.select([0])
REFUSED: dict[str, Any] = {
    "devices": (lambda mesh: hj.make_mesh(2, hosts=True), "leave devices="),
    "chains": (lambda mesh: hj.make_mesh(hosts=True, chains=2), "chains= out"),
    "prepare": (lambda mesh: hj.Hawkes().prepare(PANEL, mesh=mesh), "for fit and sample"),
    "a parameter by post": (
        lambda mesh: hj.fit(hj.RetweetHawkes(p0="free"), cascades_of(), mesh=mesh),
        "p0='free'|over hosts",
    ),
    "a post for two devices": (
        lambda mesh: hj.fit(hj.RetweetHawkes(), cascades_of(posts=1), mesh=mesh),
        "2 devices and 1 post|divided",
    ),
    "no cascades": (lambda mesh: hj.fit(hj.RetweetHawkes(), None, mesh=mesh), "Cascades"),
    "a baseline by user": (
        lambda mesh: hj.fit(hj.KatzSpike(baseline="free"), BY_NAME["katz"].data, mesh=mesh),
        "baseline='free'|over hosts",
    ),
    "a part of messages": (
        lambda mesh: hj.read_messages("log.csv", part=(0, 2)), "every process reads the whole log",
    ),
    "a user for two devices": (
        lambda mesh: hj.fit(hj.KatzSpike(), ALONE, mesh=mesh), "1 user|into 2 parts",
    ),
    "posts of two processes": (
        lambda mesh: all_names([["a", "b"], ["b"]], "post"), "Processes 0 and 1|the posts 'b'",
    ),
    "windows that differ": (
        lambda mesh: compare([{"window": (0, 1)}, {"window": (0, 2)}], {"window": "window"}),
        "(0, 2) in process 1|same window",
    ),
    "a sequence for two devices": (
        lambda mesh: hj.fit(hj.Hawkes(), SINGLE, mesh=mesh), "2 devices and 1 sequence|divided",
    ),
    "a link": (
        lambda mesh: hj.fit(hj.Hawkes(link="softplus"), PANEL, mesh=mesh), "by lanes|a link",
    ),
    "another form": (lambda mesh: hj.fit(hj.Hawkes(form="scan"), PANEL, mesh=mesh), "by lanes"),
    "many marks": (
        lambda mesh: hj.fit(hj.Hawkes(decay="shared"), hj.EventPanel.from_arrays(
            [1.0, 5.0], [0, 1], sequence=[0, 1], mark_names=range(70), window=(0, 9)), mesh=mesh),
        "70 marks are too many|by lanes",
    ),
    "rounded times": (
        lambda mesh: hj.fit(hj.Hawkes(), hj.EventPanel.from_arrays(
            [1.0, 5.0], [0, 0], window=(0, 9), resolution=1), mesh=mesh),
        "a resolution|one process",
    ),
    "pointwise terms": (
        lambda mesh: hj.sample(hj.Hawkes(), PANEL, key=0, mesh=mesh, pointwise="event"),
        "pointwise|over hosts",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_over_hosts(name, mesh):
    call, words = REFUSED[name]
    with refused(words):
        call(mesh)


def started(folder, processes, name, deadly=0, **options):
    """The processes of a run, one device each, on a port of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = os.environ["XLA_FLAGS"].replace("device_count=2", "device_count=1")
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    return [
        subprocess.Popen(
            [sys.executable, "-m", "tests.core.hosts_worker", str(number), str(processes),
             str(port), str(folder), str(deadly), name, json.dumps(options)],
            env=os.environ | {"XLA_FLAGS": flags, "PYTHONPATH": path},
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for number in range(processes)
    ]  # fmt: skip


def learned(model, whole):
    """What a process that has all the data learns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", hj.SamplingWarning)
        run = SHORT | {"key": 3, "progress": False, "chain_method": "vectorized"}
        found = kept(hj.sample(model, whole, **run).posterior)
    estimate = hj.fit(model, whole, mesh=None)
    found |= {f"fit/{name}": value for name, value in kept(estimate).items()}
    return found | {"fit/log_likelihood": estimate.log_likelihood}


@pytest.mark.slow
def test_processes_that_die_resume_in_any_number(tmp_path):
    """Two processes, of which one dies in the run; both again; and one alone from the same
    checkpoint: the draws of a process that has all the data."""
    folder = tmp_path / "two"
    (folder / "events").mkdir(parents=True)
    PANEL.to_dataframe().to_parquet(folder / "events" / "rows.parquet")
    first, last = started(folder, 2, "never", deadly=4)
    assert last.wait(900) == 9
    first.kill()
    first.wait()
    assert not list(folder.glob("never*"))
    shutil.copytree(folder, tmp_path / "one")
    for processes, where in ((2, folder), (1, tmp_path / "one")):
        for one in started(where, processes, "found"):
            assert one.wait(900) == 0
    found = [dict(np.load(path)) for path in sorted(tmp_path.glob("*/found-*.npz"))]
    assert len(found) == 3
    model, whole = hj.Hawkes(decay="shared"), hj.read_events(folder / "events", **TABLE)
    wanted = learned(model, whole)
    for name, value in wanted.items():
        for one in found:
            np.testing.assert_allclose(one[name], value, rtol=CLOSE, err_msg=name)
    for one in started(folder, 2, "other", num_samples=5):
        assert one.wait(900) == 0
    said = [path.read_text() for path in sorted(folder.glob("other-*.txt"))]
    assert (
        "of another run" in said[0] and said[1] == f"Process 0 has stopped: ValueError: {said[0]}"
    )


def written(kind, folder):
    """The data of a kind in files."""
    if kind == "retweet":
        case, more = BY_NAME["retweet"], {"window": (0, 60), "post_followers": [3000.0]}
        more["followers"] = [100.0, 500.0]
        posts = hj.simulate(case.model, case.truth, key=jax.random.key(0), **more)
        posts.to_dataframe().to_csv(folder / "posts.csv", index=False)
    else:
        rng, heard, rows = np.random.default_rng(0), np.zeros(30, bool), []
        own = np.minimum(rng.gamma(1, 0.08, 30), 0.3)  # users differ: the shape is finite
        for time in range(60):  # each user answers the one before
            active = rng.random(30) < own + 0.15 * heard
            heard = np.roll(active, 1)
            rows += [(time, one, (one + 1) % 30) for one in np.flatnonzero(active)]
        columns = dict(zip(("time", "source", "target"), zip(*rows, strict=True), strict=True))
        pd.DataFrame(columns).to_csv(folder / "messages.csv", index=False)


def test_parts_of_posts_are_all_posts(tmp_path):
    written("retweet", tmp_path)
    (_, whole), *parts = (KINDS["retweet"](tmp_path, part) for part in (None, (0, 2), (1, 2)))
    parts = [data for _, data in parts]
    assert sum((one.names for one in parts), ()) == whole.names
    assert sum(one.num_reposts for one in parts) == whole.num_reposts
    assert all(one.num_posts for one in parts)
    with pytest.raises(ValueError, match="cannot be divided into 1000000 parts"):
        KINDS["retweet"](tmp_path, (0, 10**6))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["retweet", "katz"])
def test_two_processes_learn_from_their_posts_or_users_what_one_does(kind, tmp_path):
    """And one alone takes all draws from their checkpoint."""
    written(kind, tmp_path)
    for processes, name in ((2, "two"), (1, "one")):
        for one in started(tmp_path, processes, name, data=kind):
            assert one.wait(900) == 0
    found = [dict(np.load(path)) for path in sorted(tmp_path.glob("*.npz"))]
    assert len(found) == 3
    model, whole = KINDS[kind](tmp_path)
    wanted = learned(model, whole)
    for name, value in wanted.items():
        close = 1e-6 if name.startswith("fit/") and name != "fit/log_likelihood" else 1e-8
        for one in found:
            np.testing.assert_allclose(one[name], value, rtol=close, atol=1e-9, err_msg=name)


@pytest.mark.slow
def test_processes_without_a_mesh_work_for_themselves_and_are_told(tmp_path):
    """Not the same chains twice in silence, and no array of another process's devices."""
    (tmp_path / "events").mkdir()
    PANEL.to_dataframe().to_parquet(tmp_path / "events" / "rows.parquet")
    for one in started(tmp_path, 2, "alone", alone=True):
        assert one.wait(900) == 0
    found = [dict(np.load(path)) for path in sorted(tmp_path.glob("alone-*.npz"))]
    assert len(found) == 2 and all("this call runs on one" in str(one["said"]) for one in found)
    for name in set(found[0]) - {"said"}:
        np.testing.assert_array_equal(*(one[name] for one in found))
