"""One table of models with data of their own, over which the laws of all models run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

import hawkesjax as hj
from tests.katz.model_reference import activity_of

KEY = jax.random.key(0)


@dataclass(frozen=True)
class Case:
    """A model, data and parameters, and the same said in another way.

    Args:
        name: of the case.
        model, data, params: the model, some data, natural parameters.
        relabelled: the data and parameters with other numbers for the same marks, posts or users.
        shifted: the data with another origin of time.
        filled: data of the model, and the same prepared together with larger ones, so that both
            share one compilation.
        draw: data simulated with a key, enough of them to learn `truth` from.
        truth: the parameters of `draw`.
    """

    name: str
    model: hj.Model
    data: Any
    params: dict[str, Any]
    relabelled: tuple[Any, dict[str, Any]]
    shifted: Any
    filled: Callable[[], tuple[Any, Any]]
    draw: Callable[[Any], Any]
    truth: dict[str, Any]

    def __str__(self) -> str:
        return self.name


# Hawkes


def events_of(shift: float = 0.0, order: tuple[int, int] = (0, 1), size: int = 60) -> hj.EventPanel:
    """Three sequences of two marks in windows of their own, with ties."""
    rng = np.random.default_rng(3)
    times = np.round(rng.uniform(0, 20, size), 1) + shift
    marks, sequence = rng.integers(0, 2, size), rng.integers(0, 3, size)
    names = np.array(["a", "b"])
    return hj.EventPanel.from_arrays(
        times,
        names[marks],
        sequence=sequence,
        mark_names=names[list(order)],
        sequence_names=range(3),
        window=(shift, 21 + shift),
    )


def hawkes(name: str, params: dict[str, Any], truth: dict[str, Any], **settings: Any) -> Case:
    """A case of the Hawkes model."""
    model, data = hj.Hawkes(**settings), events_of()

    def by_mark(name: str, value: Any) -> np.ndarray:
        """The parameter where the two marks have changed places."""
        value = np.asarray(value)
        for axis, dim in enumerate(model.dims[name]):
            if dim in ("mark", "source", "target"):
                value = np.flip(value, axis)
        return value

    def filled() -> tuple[Any, Any]:
        from hawkesjax.hawkes.sizes import prepare_alike

        more = events_of(size=300)
        return data, prepare_alike(model, [data, more])[0]

    def draw(key: Any) -> hj.EventPanel:
        return hj.simulate(model, truth, window=(0, 150), num_sequences=3, key=key)

    other = {name: by_mark(name, value) for name, value in params.items()}
    relabelled = (events_of(order=(1, 0)), other)
    return Case(name, model, data, params, relabelled, events_of(shift=1e3), filled, draw, truth)


MU, ALPHA = [[0.5, 0.4], [0.3, 0.6], [0.2, 0.7]], [[0.3, 0.1], [0.2, 0.4]]
GAMMA = [[1.0, 2.0], [0.5, 3.0]]
HIERARCHY = {
    "mu_median": np.array([0.4, 0.5]),
    "mu_spread": np.array([0.3, 0.6]),
    "mu_offset": np.array([[0.5, -0.2], [-1.0, 0.3], [0.1, 0.8]]),
}

# Retweets


def cascades_of(shift: float = 0.0, order: Any = None, posts: int = 6) -> hj.Cascades:
    """Posts of several levels of sentiment, and their reposts, in days."""
    rng = np.random.default_rng(5)
    made = np.sort(rng.uniform(0, 4, 9))[:posts]
    order = np.arange(posts) if order is None else np.asarray(order)
    post = np.repeat(np.arange(posts), 1 + np.arange(posts) % 4)
    reposts = made[post] + rng.gamma(0.4, 1.0, 30)[: len(post)]
    reach, levels = rng.lognormal(5, 1, 9)[:posts], rng.integers(1, 4, 9)[:posts]
    return hj.Cascades.from_arrays(
        (made + shift)[order],
        reach[order],
        reposts + shift,
        rng.lognormal(4, 1, 30)[: len(post)],
        np.argsort(order)[post],
        sentiment=levels[order],
        window=(shift, shift + 5.0),
        unit="day",
        late="drop",
    )


def retweet(name: str, params: dict[str, Any], truth: dict[str, Any], **settings: Any) -> Case:
    """A case of the retweet model."""
    model, data, order = hj.RetweetHawkes(**settings), cascades_of(), [3, 0, 5, 1, 4, 2]

    def filled() -> tuple[Any, Any]:
        few, more = cascades_of(posts=4), model.prepare(data, least={})
        return few, model.prepare(few, least=more.sizes)

    def draw(key: Any) -> hj.Cascades:
        options = {"followers": [100.0, 500.0], "post_followers": [3000.0], "key": key}
        return hj.simulate(model, truth, window=(0, 60), **options)

    relabelled = (cascades_of(order=order), params)
    return Case(name, model, data, params, relabelled, cascades_of(3.0), filled, draw, truth)


# Katz

FIT = (4, 30)


def activity_at(first: int = 0, order: Any = None, seed: int = 1) -> hj.Activity:
    """Twelve users who listen to one another, over thirty bins, after `first` silent ones."""
    rng = np.random.default_rng(7)
    network = (rng.random((12, 12)) < 0.3) * (1 - np.eye(12))
    posts = (np.random.default_rng(seed).random((12, 30)) < 0.15).astype(int)
    order = np.arange(12) if order is None else np.asarray(order)
    posts = np.pad(posts[order], ((0, 0), (first, 0)))
    return activity_of(network[np.ix_(order, order)], posts, (FIT[0] + first, FIT[1] + first))


def katz(name: str, params: dict[str, Any], truth: dict[str, Any], **settings: Any) -> Case:
    """A case of the Katz spike model."""
    model, data, order = hj.KatzSpike(**settings), activity_at(), np.arange(12)[::-1]

    def filled() -> tuple[Any, Any]:
        more = model.prepare(activity_at(seed=2))
        return data, model.prepare(data, least=more.sizes)

    def draw(key: Any) -> hj.Activity:
        return hj.simulate(model, truth, activity_at(), bins=400, key=key)

    relabelled = (activity_at(order=order), params)
    return Case(name, model, data, params, relabelled, activity_at(9), filled, draw, truth)


CASES = [
    hawkes(
        "hawkes",
        {"mu": MU, "alpha": ALPHA, "gamma": GAMMA},
        {"mu": MU, "alpha": ALPHA, "gamma": GAMMA},
    ),
    hawkes(
        "hawkes-hierarchy-mixture",
        {**HIERARCHY, "alpha": ALPHA, "gamma": 1.5, "split": [0.7]},
        {"mu": MU, "alpha": ALPHA, "gamma": 3.0, "split": [0.7]},
        decay="shared",
        baseline="hierarchical",
        kernel=hj.SumOfExponentials(),
    ),
    retweet(
        "retweet",
        {"beta": [0.3], "tau": 1.2, "swing": [0.1, 0.15], "p0_mean": 0.001, "p0_shape": 5.0},
        {"beta": [1.0], "tau": 1.0, "swing": [0.05, 0.08], "p0_mean": 1e-3, "p0_shape": 8.0},
    ),
    katz(
        "katz",
        {"alpha": 0.02, "shape": 2.0, "mean": 0.05},
        {"alpha": 0.05, "b": np.linspace(0.01, 0.08, 12)},
    ),
    katz(
        "katz-multiplicative-poisson",
        {"alpha": 0.3, "shape": 2.0, "mean": 0.05},
        {"alpha": 0.5, "b": np.linspace(0.01, 0.08, 12)},
        link="poisson",
        form="multiplicative",
    ),
]


def single(case: Case) -> dict[str, Any]:
    """The parameters in single precision."""
    return {name: np.asarray(value, np.float32) for name, value in case.params.items()}
