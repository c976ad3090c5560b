"""The law of reposts to come, beside SciPy's normal distribution and simulated reposts."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from hawkesjax.retweet.growth import AUDIENCE, FAINT, PRECISION, Growth

LOCATION, SPREAD = np.array([1.0, -0.2, -0.5]), np.array([-0.3, 0.2, 0.0])
LEAST = 30.0


def drawn(number, seed, least=0.0):
    """Seen, features and sizes of cascades, of which those below `least` were not kept."""
    rng = np.random.default_rng(seed)
    seen = rng.poisson(np.exp(rng.normal(2.0, 1.0, number)))
    x = np.column_stack([np.log1p(seen), rng.normal(size=number)])
    standard = (x - [2.0, 0.0]) / [1.0, 1.0]
    design = np.column_stack([np.ones(number), standard])
    y = np.log1p(seen) + design @ LOCATION + np.exp(design @ SPREAD) * rng.normal(size=number)
    sizes = seen + np.floor(np.exp(y)).astype(int)
    kept = sizes >= least
    return x[kept], seen[kept], sizes[kept]


@pytest.fixture(scope="module")
def learned():
    return Growth.fit(*drawn(6000, 0, LEAST), LEAST)


def sure(growth):
    """The same with b and g known."""
    zero = np.zeros_like(growth.covariance)
    return dataclasses.replace(growth, covariance=zero, inflation=1.0)


def shares(growth, x, seen, sizes):
    """Probability of at least `sizes`, row by row, from the definition."""
    out = []
    for row, n, size in zip(x, seen, sizes, strict=True):
        z = np.append(1.0, np.clip((row - growth.center) / growth.scale, -3, 3))
        law = stats.norm(np.log(1 + n) + z @ growth.location, np.exp(z @ growth.spread))
        audience = max(growth.audience, AUDIENCE * n)

        def above(reposts, law=law, audience=audience):
            chances = -audience * np.log(1 - min(reposts / audience, 1 - 1e-15))
            return law.sf(np.log(chances)) if reposts > 0 else 1.0

        out.append(min(above(size - n) / above(growth.least - n), 1.0))
    return np.array(out)


def test_coefficients_are_those_of_cascades_that_were_not_selected(learned):
    """In units of the features' standard deviation among those that were kept."""
    slopes = learned.location[1:] / learned.scale
    np.testing.assert_allclose(slopes, LOCATION[1:], atol=0.08)
    at = learned.location[0] + slopes @ ([2.0, 0.0] - learned.center)
    assert at == pytest.approx(LOCATION[0], abs=0.12)
    np.testing.assert_allclose(learned.spread[1:] / learned.scale, SPREAD[1:], atol=0.05)


def test_probabilities_are_those_of_the_definition(learned):
    x, seen, sizes = drawn(200, 1, LEAST)
    rng = np.random.default_rng(2)
    half = len(seen) // 2
    asked = np.append(sizes[:half], seen[half:] + rng.integers(0, 60, len(seen) - half))
    found = sure(learned).beyond(x, seen, asked)
    np.testing.assert_allclose(found, shares(learned, x, seen, asked), rtol=1e-9)


def test_quantiles_are_where_the_probability_is_passed(learned):
    x, seen, _ = drawn(200, 3, LEAST)
    p = np.tile([0.01, 0.3, 0.5, 0.9, 0.999], (len(x), 1))
    for growth in (learned, sure(learned)):
        told = growth.quantile(x, seen, p)
        assert np.all(told >= np.maximum(seen[:, None], LEAST))
        assert np.all(told <= seen[:, None] + np.maximum(growth.audience, AUDIENCE * seen)[:, None])
        for place in range(p.shape[1]):
            size = told[:, place]
            above = growth.beyond(x, seen, size + 1)
            assert np.all(above <= 1 - p[:, place] + 1e-9)
            assert np.all(growth.beyond(x, seen, size) >= 1 - p[:, place] - 1e-9)
    np.testing.assert_array_equal(
        learned.quantile(x, seen, p)[:, 2], sure(learned).quantile(x, seen, p)[:, 2]
    )


@pytest.mark.parametrize("least", [0.0, LEAST])
def test_nothing_near_the_mode_is_better(least):
    x, seen, sizes = drawn(60, 4, least)
    growth = sure(Growth.fit(x, seen, sizes, least))
    assert growth.audience == AUDIENCE * max(least, (sizes - seen).max())

    level = np.log(np.std(np.log((sizes - seen + 0.5) / (seen + 1))) + 0.1)

    def density(one):
        inside = shares(one, x, seen, sizes) - shares(one, x, seen, sizes + 1)
        off = np.append(one.location[1:], one.spread[1:])
        return (
            np.log(inside).sum()
            - PRECISION / 2 * np.sum(off**2)
            - FAINT / 2 * (one.spread[0] - level) ** 2
        )

    best = density(growth)
    for name in ("location", "spread"):
        for place in range(3):
            values = []
            for step in (-0.02, 0.02):
                moved = getattr(growth, name).copy()
                moved[place] += step
                values.append(density(dataclasses.replace(growth, **{name: moved})))
            assert max(values) < best
            assert abs(values[1] - values[0]) < 0.02 * (2 * best - sum(values)) + 1e-3


def test_few_cascades_tell_wider_laws_of_the_same_median():
    x, seen, sizes = drawn(400, 5)
    few, many = (Growth.fit(x[:n], seen[:n], sizes[:n], 0.0) for n in (15, 400))
    p = np.tile([0.1, 0.5, 0.9], (len(x), 1))
    for growth, least, most in ((few, 1.15, 3.0), (many, 1.0, 1.15)):
        wide, plain = growth.quantile(x, seen, p), sure(growth).quantile(x, seen, p)
        np.testing.assert_array_equal(wide[:, 1], plain[:, 1])
        ratio = np.mean(np.log1p(wide[:, 2]) - np.log1p(wide[:, 0])) / np.mean(
            np.log1p(plain[:, 2]) - np.log1p(plain[:, 0])
        )
        assert least < ratio < most


def test_cascades_unlike_all_others_have_a_law(learned):
    """None seen of the least, far more than ever, and features of no sense."""
    x = np.array([[0.0, 0.0], [25.0, 9.0], [1e9, -1e9]])
    seen = np.array([0, 10**9, 5])
    told = learned.quantile(x, seen, np.tile([1e-9, 0.5, 1 - 1e-9], (3, 1)))
    assert np.all(np.isfinite(told)) and np.all(np.diff(told) >= 0)
    assert np.all(np.isfinite(learned.beyond(x, seen, told[:, 1])))
    x, seen, sizes = drawn(12, 7)
    late = dataclasses.replace(Growth.fit(x, seen, sizes, 0.0), least=2.0)
    told = late.quantile(np.full((1, 2), -5.0), np.array([0]), np.full((1, 1), 0.5))
    assert np.all(told >= 2)


def test_unknown_and_constant_features_say_nothing():
    x, seen, sizes = drawn(300, 6)
    wider = np.column_stack([x, np.full(300, np.nan), np.ones(300)])
    one, two = Growth.fit(x, seen, sizes, 0.0), Growth.fit(wider, seen, sizes, 0.0)
    np.testing.assert_allclose(two.location, np.append(one.location, [0, 0]), atol=1e-3)
    p = np.full((300, 1), 0.7)
    np.testing.assert_allclose(
        two.quantile(wider, seen, p), one.quantile(x, seen, p), rtol=0.01, atol=1
    )
