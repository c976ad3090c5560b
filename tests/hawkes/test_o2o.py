"""The posterior of o2o-process's Stan model, reproduced within the two samplers' own errors."""

import json

import jax
import numpy as np
import pytest

import hawkesjax as hj

SLOW = pytest.mark.slow
MARKS = {"1": "online", "2": "offline"}


def read(folder, name):
    with np.load(folder / f"{name}.npz") as stored:
        parts = {key: stored[key] for key in stored.files}
    users = []
    for kind in ("online", "offline"):
        cuts = np.cumsum(parts[f"n_{kind}"])[:-1]
        users.append(np.split(parts[kind], cuts))
    lists = [(a, b) for a, b in zip(*users, strict=True)]
    window = (0.0, float(parts["T"]))
    return hj.EventPanel.from_lists(lists, window=window, mark_names=["online", "offline"])


@SLOW
@pytest.mark.filterwarnings("ignore::hawkesjax.SamplingWarning")
@pytest.mark.parametrize("compensator", ["schoenberg", "exact"])
@pytest.mark.parametrize("name", ["m5_t100", "m10_t200", "m20_t500"])
def test_the_posterior_is_that_of_the_stan_model(name, compensator, reference_results):
    folder = reference_results("o2o")
    stored = json.loads((folder / "posteriors.json").read_text())[name]
    expected = stored["params" if compensator == "schoenberg" else "exact_compensator_params"]
    if not expected:
        pytest.skip(f"no {compensator} posterior of {name} in the reference")
    panel = read(folder, name)
    assert panel.num_events == stored["events"]
    post = hj.sample(
        hj.Hawkes(priors="o2o", compensator=compensator),
        panel,
        key=jax.random.key(0),
        num_warmup=500,
        num_samples=1000,
        progress=False,
        pointwise=None,
    )
    ess = post.summary()
    worst = {}
    for label, theirs in expected.items():
        parameter, inside = label.rstrip("]").split("[")
        first, second = inside.split(",")
        if parameter == "mu":
            draws = post["mu"].values[:, :, int(first) - 1, int(second) - 1]
            row = f"mu[{panel.sequence_names[int(first) - 1]}, {MARKS[second]}]"
        else:
            draws = post[parameter].values[:, :, int(first) - 1, int(second) - 1]
            row = f"{parameter}[{MARKS[second]} -> {MARKS[first]}]"
        size = min(float(ess.loc[row, "ess_bulk"]), float(ess.loc[row, "ess_tail"]))
        sizes = (size, min(theirs["ess_bulk"], theirs["ess_tail"]))
        error = theirs["sd"] * np.sqrt(sum(1 / n for n in sizes))
        worst[f"{label} mean"] = (draws.mean() - theirs["mean"]) / error
        for key, level in (("q5", 0.05), ("q95", 0.95)):
            # The quantile's error from the draws' own spacing around it.
            low, high = np.quantile(draws, np.clip([level - 0.02, level + 0.02], 0.002, 0.998))
            slope = (high - low) / 0.04
            quantile_error = slope * np.sqrt(level * (1 - level) * sum(1 / n for n in sizes))
            worst[f"{label} {key}"] = (np.quantile(draws, level) - theirs[key]) / quantile_error
    scores = np.array(list(worst.values()))
    print(name, compensator, "largest", np.abs(scores).max(), "rms", np.sqrt(np.mean(scores**2)))
    over = {label: round(float(z), 1) for label, z in worst.items() if abs(z) > 4.5}
    assert not over, over
    assert np.sqrt(np.mean(scores**2)) < 1.5
