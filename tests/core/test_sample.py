"""NUTS: right draws, resumed bit for bit, one compilation for many panels, refused folders."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap

import jax
import numpy as np
import numpyro.distributions as dist
import pytest

import hawkesjax as hj
from hawkesjax.core import nuts
from hawkesjax.core.diagnostics import arviz
from hawkesjax.core.unconstrained import Unconstrained, best_start

az = arviz()  # as the package imports it: two processes may race for its stamp of the day
WINDOW = (0.0, 60.0)
TRUTH = {
    "mu": np.array([[0.5, 0.3], [0.4, 0.2]]),
    "alpha": np.array([[0.4, 0.2], [0.1, 0.3]]),
    "gamma": np.array([[1.0, 2.0], [0.6, 3.0]]),
}
MODEL = hj.Hawkes()
RUN = {"num_warmup": 30, "num_samples": 30, "num_chains": 2, "block": 10, "progress": False}

pytestmark = pytest.mark.filterwarnings("ignore::hawkesjax.SamplingWarning")


@pytest.fixture(scope="module")
def panel():
    return hj.simulate(MODEL, TRUTH, window=WINDOW, key=jax.random.key(1))


@pytest.fixture(scope="module")
def unbroken(panel):
    return hj.sample(MODEL, panel, key=jax.random.key(0), **RUN)


def same(first, second):
    """Bit for bit, but for the record of the run, which has its date and seconds."""
    for name, part in first.groups().items():
        other = second.groups()[name]
        if name == "posterior":
            assert set(part.attrs) == set(other.attrs)
            part, other = (one.drop_attrs(deep=False) for one in (part, other))
        assert part.identical(other), name


@pytest.mark.parametrize("cut", [1, 3, 4])
def test_resumes_bit_for_bit(cut, panel, unbroken, tmp_path, monkeypatch):
    """Stopped after a block of warm-up (1), at its end (3), and while sampling (4)."""
    from hawkesjax.core.checkpoint import Checkpoint

    saves = []
    save = Checkpoint.save

    def stop(self, *args):
        save(self, *args)
        saves.append(1)
        if len(saves) == cut:
            raise KeyboardInterrupt

    call = {"key": jax.random.key(0), "checkpoint": tmp_path / "run", **RUN}
    monkeypatch.setattr(Checkpoint, "save", stop)
    if cut <= 3:
        with pytest.raises(KeyboardInterrupt, match="continues"):
            hj.sample(MODEL, panel, **call)
    else:
        assert hj.sample(MODEL, panel, **call).posterior.sizes["draw"] < 30
    monkeypatch.undo()
    resumed = hj.sample(MODEL, panel, **call)
    same(unbroken, resumed)
    same(unbroken, hj.sample(MODEL, panel, **call))


def test_chains_that_go_in_groups_resume_too(panel, tmp_path, monkeypatch):
    """Data that count as large: four chains on two devices, two at a time."""
    from hawkesjax.core.checkpoint import Checkpoint

    monkeypatch.setattr(sys.modules["hawkesjax.core.chains"], "VECTORIZED_EVENTS", 0)
    call = RUN | {"key": jax.random.key(0), "num_chains": 4}
    unbroken = hj.sample(MODEL, panel, **call)
    assert unbroken.info["chain_method"] == "parallel"
    assert len(np.unique(unbroken["mu"][:, -1, 0, 0])) == 4
    save, saves = Checkpoint.save, []

    def stop(self, number, *args):
        save(self, number, *args)
        saves.append(number)
        if saves.count(1) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoint, "save", stop)
        kept = hj.sample(MODEL, panel, **call, checkpoint=tmp_path / "run")
    assert kept.posterior.sizes["chain"] == 2  # of the group that was done
    assert len(list((tmp_path / "run").glob("group-*-state.npz"))) == 2
    same(unbroken, hj.sample(MODEL, panel, **call, checkpoint=tmp_path / "run"))


def test_a_window_without_a_regular_covariance_leaves_the_earlier_one(panel):
    """Draws that hardly move, where nothing regularizes their covariance."""
    prepared = MODEL.prepare(panel)
    point = best_start(Unconstrained(MODEL), prepared)
    stacked = jax.tree.map(lambda leaf: np.stack([leaf, leaf]), point)
    kernel = nuts.Kernel(MODEL, nuts.Settings(30, 0.8, 5, dense_mass=True, block=10))
    before = kernel.init(jax.random.split(jax.random.key(0), 2), stacked, prepared)
    adapted = before.adapt_state
    new = {"step_size": 2 * adapted.step_size, "window_idx": adapted.window_idx + 1}
    for factor, kept in ((2.0, False), (np.nan, True)):
        for name in ("inverse_mass_matrix", "mass_matrix_sqrt", "mass_matrix_sqrt_inv"):
            scaled = {k: v * factor for k, v in getattr(adapted, name).items()}
            after = before._replace(adapt_state=adapted._replace(**new, **{name: scaled}))
            found = nuts.regular(before, after).adapt_state
            wanted = adapted if kept else after.adapt_state
            np.testing.assert_array_equal(found.step_size, wanted.step_size)
            np.testing.assert_array_equal(found.window_idx, after.adapt_state.window_idx)
            for block, matrix in getattr(wanted, name).items():
                np.testing.assert_array_equal(getattr(found, name)[block], matrix)


def test_a_checkpoint_of_another_run_or_damaged_is_refused(panel, tmp_path):
    folder = tmp_path / "run"
    call = {"key": jax.random.key(0), "checkpoint": folder, **RUN}
    hj.sample(MODEL, panel, **call)
    cases = {
        "model": (hj.Hawkes(priors="o2o"), panel, {}),
        "data": (MODEL, panel.select([0, 1]).between(0, 59), {}),
        "num_samples": (MODEL, panel, {"num_samples": 31}),
        "settings": (MODEL, panel, {"target_accept": 0.9}),
        "start": (MODEL, panel, {"key": jax.random.key(1)}),
    }
    for word, (model, data, other) in cases.items():
        with pytest.raises(ValueError, match=word):
            hj.sample(model, data, **(call | other))
    state = folder / "group-0-state.npz"
    whole = state.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"not a zip file", whole[:-300] + bytes(300)):
        state.write_bytes(damaged)
        with pytest.raises(ValueError, match="truncated or damaged"):
            hj.sample(MODEL, panel, **call)
    state.write_bytes(whole)
    for file in sorted(folder.glob("*.npz")):
        whole = file.read_bytes()
        place = np.random.default_rng(len(whole)).integers(len(whole))
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ValueError, match=f"{file.name} is truncated or damaged"):
            hj.sample(MODEL, panel, **call)
        file.write_bytes(whole)
    (folder / "identity.json").write_text("{")
    with pytest.raises(ValueError, match="damaged"):
        hj.sample(MODEL, panel, **call)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("mine")
    with pytest.raises(ValueError, match="not empty"):
        hj.sample(MODEL, panel, **(call | {"checkpoint": tmp_path / "other"}))


def test_a_folder_is_of_one_process_at_a_time(panel, unbroken, tmp_path):
    call = {"key": jax.random.key(0), "checkpoint": tmp_path / "run", **RUN}
    (tmp_path / "run").mkdir()
    code = textwrap.dedent("""
        import sys, pathlib
        from hawkesjax.core.disk import Lock
        lock = Lock(pathlib.Path(sys.argv[1]))
        print("locked", flush=True)
        sys.stdin.read()
    """)
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(ValueError, match=f"in use by process {other.pid}"):
            hj.sample(MODEL, panel, **call)
        other.kill()
    finally:
        other.communicate()
    same(unbroken, hj.sample(MODEL, panel, **call))


def test_one_compilation_serves_every_panel_of_the_same_sizes(panel, unbroken):
    times = panel.start[panel.sequence] + panel.times
    moved = hj.EventPanel.from_arrays(
        times * 1.01,
        panel.marks,
        sequence=panel.sequence,
        window=(0, 61),
        mark_names=["a", "b"],
        sequence_names=["x", "y"],
    )
    compiled = set()
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **about: compiled.add(about.get("fun_name"))
    )
    other = hj.sample(MODEL, moved, key=jax.random.key(0), **RUN)
    jax.monitoring.clear_event_listeners()
    assert not np.array_equal(other["alpha"], unbroken["alpha"])
    assert compiled and not {"jit(init)", "jit(advance)"} & compiled


@pytest.mark.parametrize(
    "method",
    [
        pytest.param("vectorized", marks=pytest.mark.slow),
        "sequential",
        pytest.param("parallel", marks=pytest.mark.slow),
    ],
)
def test_a_prior_without_data_comes_back(method):
    """With no events the posterior of alpha is its prior, and of mu a known Gamma."""
    if method == "parallel" and jax.device_count() < 2:
        pytest.skip("one device")
    panel = hj.EventPanel.from_arrays([], [], window=(0, 4), mark_names=["a"])
    model = hj.Hawkes(priors={"mu": dist.Gamma(2.0, 1.0), "alpha": dist.Exponential(2.0)})
    call = {"num_warmup": 300, "num_samples": 1000, "num_chains": 4, "progress": False}
    post = hj.sample(model, panel, key=jax.random.key(2), chain_method=method, **call)
    assert post.info["chain_method"] == method
    assert len(np.unique(post["mu"][:, -1])) == 4
    table = post.summary()
    for name, mean, sd in (("alpha[a -> a]", 0.5, 0.5), ("mu[0, a]", 2 / 5, np.sqrt(2) / 5)):
        row = table.loc[name]
        assert abs(row["mean"] - mean) < 5 * sd / np.sqrt(row["ess_bulk"])
        assert abs(row["sd"] - sd) < 0.15 * sd
    assert post.diagnose()[0].startswith("All is well")


@pytest.mark.filterwarnings("ignore:Estimated shape parameter")  # 60 draws are few for loo
@pytest.mark.filterwarnings("ignore:Passing a dict or None as alias_mapping")  # ArviZ's own
def test_tables_and_arviz(panel, unbroken):
    table = unbroken.summary()
    assert list(table.columns) == [
        "mean", "sd", "2.5%", "50%", "97.5%", "ess_bulk", "ess_tail", "r_hat",
    ]  # fmt: skip
    draws = unbroken["alpha"].sel(target="0", source="1").values
    np.testing.assert_allclose(table.loc["alpha[1 -> 0]", "mean"], draws.mean())
    np.testing.assert_allclose(table.loc["alpha[1 -> 0]", "97.5%"], np.quantile(draws, 0.975))
    assert len(unbroken.summary(["gamma"])) == 4
    with pytest.raises(KeyError, match="alpha"):
        unbroken["beta"]
    container = unbroken.to_arviz()
    named = container.groups() if callable(container.groups) else container.groups
    groups = {str(name).strip("/") for name in named}
    assert {
        "posterior", "sample_stats", "log_likelihood", "observed_data", "constant_data"
    } <= groups  # fmt: skip
    loo = az.loo(container, pointwise=False)
    assert np.isfinite(float(loo.elpd_loo if hasattr(loo, "elpd_loo") else loo.elpd))
    az.plot_trace(container, var_names=["alpha"])
    az.plot_forest(container, var_names=["alpha"])
    lp = unbroken.log_likelihood["events"].sum("term").values
    params = {n: unbroken[n].values[1, 3] for n in ("mu", "alpha", "gamma")}
    np.testing.assert_allclose(lp[1, 3], MODEL.log_likelihood(params, panel), rtol=1e-10)
    with pytest.raises(ValueError, match="GiB"):
        unbroken.with_log_likelihood(panel, by="event", max_bytes=100)


def test_shares_are_the_formula_of_each_draw(unbroken, panel):
    post = unbroken
    radius = np.abs(np.linalg.eigvals(post["alpha"].values.reshape(-1, 2, 2))).max(axis=1)
    assert np.mean(radius >= 1) < 0.025  # few draws have no long run, the table is of the others
    row = post.shares().loc[("0", "1", "0")]
    found = row["mean"]
    assert row["beyond"] == pytest.approx(np.mean(radius >= 1))
    shares = []
    for alpha, mu in zip(
        post["alpha"].values.reshape(-1, 2, 2), post["mu"].values.reshape(-1, 2, 2), strict=True
    ):
        if np.abs(np.linalg.eigvals(alpha)).max() >= 1:
            continue
        whole = np.linalg.inv(np.eye(2) - alpha) @ mu[0]
        cut = alpha.copy()
        cut[1, 0] = 0
        shares.append(1 - (np.linalg.inv(np.eye(2) - cut) @ mu[0])[1] / whole[1])
    np.testing.assert_allclose(found, np.mean(shares), rtol=1e-10)
    within = post.shares(panel)
    direct = [within.loc[("all", "1", f"direct from {j}"), "mean"] for j in ("0", "1")]
    np.testing.assert_allclose(
        sum(direct) + within.loc[("all", "1", "background"), "mean"], 1, rtol=1e-10
    )
    table = post.baseline().loc[("0", "1")]
    np.testing.assert_allclose(table["mean"], post["mu"].values[:, :, 0, 1].mean(), rtol=1e-12)
    half = post.decay()[("half-life", "50%")]
    assert half.equals(post.spillover()[("half-life", "50%")])
    np.testing.assert_allclose(
        half.loc["1 -> 0"], np.median(np.log(2) / post["gamma"].values[:, :, 0, 1]), rtol=1e-10
    )


@pytest.mark.parametrize(
    "wrong, word",
    [
        ({"num_chains": 0}, "num_chains"),
        ({"num_samples": 1.5}, "num_samples"),
        ({"chain_method": "fast"}, "chain_method"),
        ({"init": {"mu": 1.0}}, "alpha"),
        ({"init": {"mu": 1.0, "alpha": -1.0, "gamma": 1.0}}, "support"),
        ({"init": {"mu": [1.0, 2.0, 3.0], "alpha": 1.0, "gamma": 1.0}}, "shape"),
        ({"key": -7}, "key"),
    ],
)
def test_bad_calls_are_refused_by_name(wrong, word, panel):
    with pytest.raises(ValueError, match=word):
        hj.sample(MODEL, panel, **({"key": jax.random.key(0)} | RUN | wrong))


@pytest.mark.skipif(jax.device_count() != 2, reason="two devices, as the tests set")
@pytest.mark.parametrize(("chains", "method"), [(3, "auto"), (5, "auto"), (3, "vectorized")])
def test_devices_that_stay_idle_are_said_before_starts_are_refused(chains, method, panel):
    idle = pytest.warns(hj.SamplingWarning, match=f"{chains} chains .* 1 of them. .* multiple of 2")
    asked = idle if method == "auto" else contextlib.nullcontext()
    call = RUN | {"num_chains": chains, "chain_method": method}
    with asked, pytest.raises(ValueError, match="init has no"):
        hj.sample(MODEL, panel, key=jax.random.key(0), **call | {"init": {}})


def test_ctrl_c_keeps_the_finished_blocks(tmp_path):
    script = textwrap.dedent(
        """
        import threading, time, os, signal, warnings
        import jax, numpy as np, hawkesjax as hj
        from hawkesjax.core.checkpoint import Checkpoint
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & has it ignored
        panel = hj.EventPanel.from_arrays(np.arange(1.0, 50.0), np.zeros(49, int), window=(0, 50))
        def poll():
            while not any("block" in name for name in os.listdir("run")):
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
        os.mkdir("run")
        threading.Thread(target=poll, daemon=True).start()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            post = hj.sample(hj.Hawkes(), panel, key=jax.random.key(0), num_warmup=20,
                             num_samples=100000, num_chains=2, block=20, checkpoint="run",
                             progress=False)
        assert any("Stopped" in str(w.message) for w in caught)
        assert 20 <= post.posterior.sizes["draw"] < 100000 and post.info["stopped"]
        print("kept", post.posterior.sizes["draw"])
        """
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "kept" in done.stdout
    assert signal.SIGINT and json.loads((tmp_path / "run" / "identity.json").read_text())
