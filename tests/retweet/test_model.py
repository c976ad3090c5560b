"""Laws of the retweet model over a table of cascades, against plain NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import gamma

import hawkesjax as hj
from hawkesjax.retweet.likelihood import circles
from hawkesjax.retweet.priors import DiscTransform, UniformDisc
from tests.refusals import refused
from tests.retweet import reference as slow

DOUBLE = jnp.zeros(()).dtype == np.float64
S0, THETA, DAY = 300 / 86400, 0.242, 1.0
CASES = ("plain", "history", "covariates", "no reposts", "no swing")


def cascades_of(case, seed=0, shift=0.0, order=None):
    rng = np.random.default_rng(seed)
    size = 7
    posts = np.sort(rng.uniform(0, 4, size))
    followers = np.floor(rng.lognormal(6, 1, size))
    levels = rng.integers(1, 6, size) * float(case != "no swing")
    times, reached, post = [], [], []
    for row in range(size if case != "no reposts" else 0):
        own = posts[row] + rng.gamma(0.3, 1.0, rng.integers(0, 12)).round(2)
        times.append(own)
        reached.append(np.floor(rng.lognormal(3, 2, len(own))))
        post.append(np.full(len(own), row))
    if order is not None:
        place = np.argsort(order)
        posts, followers, levels = posts[order], followers[order], levels[order]
        post = [place[part] for part in post]
    window, covariates = np.array([0.0, 5.0]), None
    if case == "history":
        window = np.array([2.0, 5.0])
    if case == "covariates":
        edges = np.array([-1.0, 0.7, 1.2, 2.9, 3.3, 9.0]) + shift
        values = np.array([[1, 0.0], [1, 1], [1, 0], [1, 1], [1, 0]])
        covariates = hj.Covariates(edges, values, ("intercept", "match"), unit="day")
    joined = [np.concatenate([np.zeros(0), *part]) for part in (times, reached, post)]
    return hj.Cascades.from_arrays(
        posts + shift,
        followers,
        joined[0] + shift,
        joined[1],
        joined[2].astype(int),
        sentiment=levels,
        window=window + shift,
        horizon=2.5 if case == "history" else None,
        covariates=covariates,
        unit="day",
        late="drop",
    )


def truth(data, seed=1):
    rng = np.random.default_rng(seed)
    features = 1 if data.covariates is None else data.covariates.num_features
    return {
        "beta": rng.normal(0, 0.5, features),
        "p0": rng.lognormal(-6, 1, data.num_posts),
        "r0": 0.12,
        "phi0": 0.3,
        "tau": 1.3,
    }


def close(ours, exact, loose=1.0):
    assert float(ours) == pytest.approx(exact, rel=(1e-9 if DOUBLE else 2e-5) * loose)


@pytest.mark.parametrize("case", CASES)
def test_log_likelihood_equals_the_plain_one(case):
    data = cascades_of(case)
    params = truth(data)
    exact, exposures = slow.log_likelihood(data, **params, theta=THETA, s0=S0, period=DAY)
    model = hj.RetweetHawkes(p0="free", history="pairs")
    close(model.log_likelihood(params, data), exact)
    ours = np.asarray(model.exposures(params, data))
    np.testing.assert_allclose(ours, exposures, rtol=1e-10 if DOUBLE else 1e-4, atol=1e-12)
    assert np.sum(model.pointwise(params, data)) == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("case", ["plain", "no reposts"])
def test_integrated_and_profiled_p0_are_what_they_say(case):
    data = cascades_of(case)
    params = truth(data)
    fixed = params | {"p0": np.ones(data.num_posts)}
    at_one, exposures = slow.log_likelihood(data, **fixed, theta=THETA, s0=S0, period=DAY)
    rest, reposts = at_one + exposures.sum(), data.counts
    shape, mean = 0.8, 3e-3
    logs = []
    for count, exposure in zip(reposts, exposures, strict=True):
        peak = (shape + count) / (shape / mean + exposure)
        grid = np.linspace(np.log(peak) - 40, np.log(peak) + 8, 200_001)
        p0 = np.exp(grid)
        density = gamma.logpdf(p0, shape, scale=mean / shape) + count * grid - p0 * exposure + grid
        logs.append(logsumexp(density) + np.log(grid[1] - grid[0]))
    known = {name: params[name] for name in ("beta", "r0", "phi0", "tau")}
    model = hj.RetweetHawkes()
    close(
        model.log_likelihood(known | {"p0_shape": shape, "p0_mean": mean}, data),
        rest + np.sum(logs),
        100,
    )
    best = np.where(reposts > 0, reposts / exposures, 0)
    gained = np.where(reposts > 0, reposts * np.log(np.where(reposts > 0, best, 1)), 0) - reposts
    close(hj.RetweetHawkes(p0="profiled").log_likelihood(known, data), rest + gained.sum())
    regression = hj.RetweetHawkes(regression=True)
    level = known | {"p0_shape": shape, "p0_level": np.log(mean), "p0_slope": 0.0}
    close(regression.log_likelihood(level, data), rest + np.sum(logs), 100)
    a, b = model.p0_given(known | {"p0_shape": shape, "p0_mean": mean}, data)
    np.testing.assert_allclose(a, shape + reposts, rtol=1e-6)
    np.testing.assert_allclose(b, shape / mean + exposures, rtol=1e-5)


def test_learned_theta_equals_fixed_theta():
    data = cascades_of("plain")
    params = truth(data)
    learned = hj.RetweetHawkes(p0="free", theta="learned", history="pairs")
    prepared = learned.prepare(data)
    value = jax.jit(lambda theta: learned.log_likelihood(params | {"theta": theta}, prepared))
    for theta in (0.06, 0.242, 0.9):
        exact = slow.log_likelihood(data, **params, theta=theta, s0=S0, period=DAY)[0]
        assert float(value(theta)) == pytest.approx(exact, rel=1e-7 if DOUBLE else 1e-4)


def test_as_printed_and_other_lengths():
    data = cascades_of("plain")
    params = truth(data)
    printed = hj.RetweetHawkes(p0="free", as_printed=True, history="pairs")
    exact = slow.log_likelihood(data, **params, theta=THETA, s0=S0, period=DAY, tail=1e-6)[0]
    close(printed.log_likelihood(params, data), exact)
    other = hj.RetweetHawkes(p0="free", theta=0.5, s0=0.05, period=3.0, history="pairs")
    exact = slow.log_likelihood(data, **params, theta=0.5, s0=0.05, period=3.0)[0]
    close(other.log_likelihood(params, data), exact)


@pytest.mark.skipif(not DOUBLE, reason="finite differences")
def test_gradients_and_second_derivatives():
    """Along random directions, against central differences; one compilation each."""
    model = hj.RetweetHawkes(theta="learned")
    prepared = model.prepare(cascades_of("history"))
    names = ("beta", "tau", "swing", "p0_mean", "p0_shape", "theta")
    values = ([0.2], 1.3, [0.05, -0.08], 0.4, 0.8, 0.3)
    params = {name: jnp.asarray(value) for name, value in zip(names, values, strict=True)}

    def value(params):
        return model.log_likelihood(params, prepared)

    def moved(direction, step):
        return {name: params[name] + step * direction[name] for name in names}

    gradient = jax.jit(jax.value_and_grad(value))
    product = jax.jit(lambda direction: jax.jvp(jax.grad(value), (params,), (direction,))[1])
    rng = np.random.default_rng(0)
    for _ in range(4):
        direction = {name: jnp.asarray(rng.normal(size=params[name].shape)) for name in names}
        high, low = (gradient(moved(direction, step)) for step in (1e-5, -1e-5))
        slope = sum(jnp.sum(gradient(params)[1][name] * direction[name]) for name in names)
        assert float(high[0] - low[0]) / 2e-5 == pytest.approx(float(slope), rel=1e-6)
        for name, part in product(direction).items():
            difference = (high[1][name] - low[1][name]) / 2e-5
            np.testing.assert_allclose(part, difference, rtol=1e-5, atol=1e-5)


def test_swing_as_pair_or_amplitude_and_phase_and_no_seam():
    data = cascades_of("plain")
    params = truth(data)
    model = hj.RetweetHawkes(p0="free")
    prepared = model.prepare(data)
    value = jax.jit(lambda params: model.log_likelihood(params, prepared))
    angle = 2 * np.pi * params["phi0"]
    pair = {name: params[name] for name in ("beta", "p0", "tau")}
    pair["swing"] = params["r0"] * np.array([np.cos(angle), np.sin(angle)])
    close(value(pair), float(value(params)))
    close(value(params | {"phi0": params["phi0"] + 2}), float(value(params)))
    found = model.derived(pair, prepared)
    assert float(found["r0"]) == pytest.approx(params["r0"], rel=1e-5)
    assert float(found["phi0"]) % 1 == pytest.approx(params["phi0"], rel=1e-5)
    assert 0 <= float(prepared.cut) <= float(found["phi0"]) < float(prepared.cut) + 1


def test_whole_days_and_the_order_of_posts_change_nothing():
    data = cascades_of("covariates")
    params, model = truth(data), hj.RetweetHawkes(p0="free")
    value = float(model.log_likelihood(params, data))
    close(model.log_likelihood(params, cascades_of("covariates", shift=730.0)), value, 100)
    order = np.array([3, 1, 6, 0, 2, 5, 4])
    moved = params | {"p0": params["p0"][order]}
    close(model.log_likelihood(moved, cascades_of("covariates", order=order)), value)
    later = float(model.log_likelihood(params, cascades_of("covariates", shift=0.25)))
    assert later != pytest.approx(value, rel=1e-4)


def test_pieces_of_a_window_add_up():
    """History before the second piece triggers in it, but is no term of it."""
    data = cascades_of("plain")
    params, model = truth(data), hj.RetweetHawkes(p0="free")
    parts = []
    for part in (data.between(0, 2.2), data.between(2.2, 5)):
        own = params | {"p0": params["p0"][[data.names.index(name) for name in part.names]]}
        parts.append(float(model.log_likelihood(own, part)))
    close(sum(parts), float(model.log_likelihood(params, data)), 100)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_in_is_dtype_out(dtype):
    if dtype == np.float64 and not DOUBLE:
        pytest.skip("single precision")
    data, model = cascades_of("plain"), hj.RetweetHawkes(p0="free", history="pairs")
    prepared = model.prepare(data, dtype=dtype)
    params = {name: jnp.asarray(value, dtype) for name, value in truth(data).items()}
    value = model.log_likelihood(params, prepared)
    assert value.dtype == dtype
    exact = slow.log_likelihood(data, **truth(data), theta=THETA, s0=S0, period=DAY)[0]
    assert float(value) == pytest.approx(exact, rel=1e-9 if dtype == np.float64 else 2e-5)


def test_prepared_once_and_not_under_a_transformation():
    data, model = cascades_of("plain"), hj.RetweetHawkes()
    assert model.prepare(data) is model.prepare(data)
    assert model.prepare(model.prepare(data)) is model.prepare(data)
    prepared = model.prepare(data)
    again = circles(data, prepared.period, prepared.dtype)
    assert again is circles(data, prepared.period, np.dtype(prepared.dtype))
    with pytest.raises(ValueError, match=r"model\.prepare"):
        jax.jit(lambda data: model.prepare(data).reposts)(data)


@pytest.mark.parametrize("case", ["history", "covariates"])
def test_data_that_are_filled_up_say_the_same(case):
    data, more = cascades_of(case), cascades_of(case, seed=3)
    params = truth(data)
    params = {n: params[n] for n in ("beta", "r0", "phi0", "tau")}
    params |= {"p0_mean": 3e-3, "p0_shape": 0.8}
    model = hj.RetweetHawkes()
    larger = model.prepare(more, least={})
    sizes = {name: size + 9 for name, size in larger.sizes.items()}
    filled = model.prepare(data, least=sizes)
    assert all(filled.sizes[name] >= size for name, size in sizes.items())
    close(model.log_likelihood(params, filled), float(model.log_likelihood(params, data)))
    exposures = np.asarray(model.exposures(params, filled))
    np.testing.assert_allclose(
        exposures[: data.num_posts], model.exposures(params, data), rtol=1e-10 if DOUBLE else 1e-4
    )
    assert not exposures[data.num_posts :].any()
    with pytest.raises(ValueError, match="parameter per post"):
        hj.RetweetHawkes(p0="free").prepare(data, least=sizes)


def test_posts_that_reach_nobody_have_no_exposure():
    data = hj.Cascades.from_arrays([0.0, 0.5], [0, 0], [], [], [], window=(0, 2), unit="day")
    model = hj.RetweetHawkes()
    assert np.asarray(model.exposures({"tau": 1.0, "r0": 0.1, "phi0": 0.0}, data)).tolist() == [
        0,
        0,
    ]
    params = {"beta": [0.1], "tau": 1.0, "r0": 0.1, "phi0": 0.0, "p0_mean": 1.0, "p0_shape": 1.0}
    params = {name: np.asarray(value) for name, value in params.items()}
    close(model.log_likelihood(params, data), 0.2 - 2 * np.exp(0.1))


OTHERS = {"beta": np.zeros(1), "tau": 1.0, "r0": 0.1, "phi0": 0.0}
REFUSALS = {
    "a word": (lambda: hj.RetweetHawkes(p0="all"), "integrated, profiled, free"),
    "theta": (lambda: hj.RetweetHawkes(theta=-1), "theta is -1|positive"),
    "priors": (lambda: hj.RetweetHawkes(priors={"mu": 1}), "mu|it samples"),
    "regression": (lambda: hj.RetweetHawkes(p0="free", regression=True), "integrated"),
    "a panel": (
        lambda: hj.fit(hj.RetweetHawkes(), hj.EventPanel.from_arrays([1.0], [0], window=(0, 2))),
        "must be Cascades, not EventPanel",
    ),
    "no unit": (
        lambda: hj.RetweetHawkes().prepare(
            hj.Cascades.from_arrays([0.0], [1], [], [], [], window=(0, 1))
        ),
        "unit of time|'second'|s0=, period=",
    ),
    "no followers": (
        lambda: hj.RetweetHawkes().prepare(
            hj.Cascades.from_arrays(
                [0.0, 0.1], [1, 0], [0.5], [9], [1], names=["a", "b"], unit="day"
            )
        ),
        "1 post ('b')|zero followers|select",
    ),
    "no post in the window": (
        lambda: hj.fit(hj.RetweetHawkes(), cascades_of("plain").between(4.5, 5)),
        "No post lies in the window",
    ),
    "tau": (
        lambda: hj.RetweetHawkes(p0="free").log_likelihood(
            truth(cascades_of("plain")) | {"tau": 0.0}, cascades_of("plain")
        ),
        "tau is 0.0|positive",
    ),
    "r0": (
        lambda: hj.RetweetHawkes(p0="free").log_likelihood(
            truth(cascades_of("plain")) | {"r0": 0.4}, cascades_of("plain")
        ),
        "r0 is 0.4|1 / max S = 0.2",
    ),
    "p0_mean": (
        lambda: hj.RetweetHawkes().log_likelihood(
            OTHERS | {"p0_mean": -1.0, "p0_shape": 1.0}, cascades_of("plain")
        ),
        "p0_mean is -1.0|positive",
    ),
    "nothing on p0": (
        lambda: hj.RetweetHawkes().log_likelihood(OTHERS, cascades_of("plain")),
        "Parameters ['p0_mean', 'p0_shape'] are missing",
    ),
    "beta": (
        lambda: hj.RetweetHawkes(p0="free").log_likelihood(
            truth(cascades_of("plain")) | {"beta": np.zeros(2)}, cascades_of("plain")
        ),
        "beta has shape (2,)|(1,)",
    ),
    "another kernel": (
        lambda: hj.RetweetHawkes(theta=0.3).prepare(
            hj.RetweetHawkes().prepare(cascades_of("plain"))
        ),
        "another kernel",
    ),
    "profiled draws": (
        lambda: hj.sample(
            hj.RetweetHawkes(p0="profiled"), cascades_of("plain"), key=jax.random.key(0)
        ),
        "p0='integrated'",
    ),
    "a prior's shape": (
        lambda: hj.fit(
            hj.RetweetHawkes(p0="free", priors={"p0": dist.LogNormal(jnp.zeros(3), 1.0)}),
            cascades_of("plain"),
        ),
        "prior of 'p0'|(3,)",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_say_what_to_do(case):
    call, words = REFUSALS[case]
    with refused(words):
        call()


def test_disc_transform_keeps_volume_and_inverts():
    transform = DiscTransform(0.4)
    for point in ([0.0, 0.0], [0.3, -2.0], [40.0, 1.0]):
        x = jnp.asarray(point)
        y = transform(x)
        assert float(jnp.linalg.norm(y)) < 0.4
        np.testing.assert_allclose(transform._inverse(y), x, rtol=1e-4, atol=1e-6)
        volume = jnp.linalg.slogdet(jax.jacobian(transform)(x))[1]
        jacobian = transform.log_abs_det_jacobian(x, y)
        assert float(jacobian) == pytest.approx(float(volume), rel=1e-4)
    prior = UniformDisc(0.4)
    draws = np.asarray(prior.sample(jax.random.key(0), (4000,)))
    radius = np.hypot(*draws.T)
    assert radius.max() < 0.4
    assert np.mean(radius**2) == pytest.approx(0.4**2 / 2, rel=0.05)
    area = quad(lambda r: 2 * np.pi * r, 0, 0.4)[0]
    assert float(prior.log_prob(jnp.zeros(2))) == pytest.approx(-np.log(area), rel=1e-5)


def test_nearly_as_many_posts_share_a_compilation():
    """What `fit` lays out has the same shapes and nothing static that differs."""
    found = []
    for size in (200, 210):
        rng = np.random.default_rng(size)
        times, count = np.sort(rng.uniform(0, 50, size)), rng.integers(0, 8, size)
        post = np.repeat(np.arange(size), count)
        reposts = times[post] + rng.gamma(0.4, 1.0, len(post))
        reach = rng.lognormal(5, 1, size), rng.lognormal(4, 1, len(post))
        data = hj.Cascades.from_arrays(
            times, reach[0], reposts, reach[1], post, window=(0, 60), unit="day", late="drop"
        )
        found.append(hj.RetweetHawkes().laid_out(data))
    shapes = [[np.shape(leaf) for leaf in jax.tree.leaves(one)] for one in found]
    assert shapes[0] == shapes[1]
    assert jax.tree.structure(found[0]) == jax.tree.structure(found[1])
