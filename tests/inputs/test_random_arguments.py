"""Random values at random arguments of the data's doors: accepted, or refused in our own words."""

import inspect
from datetime import date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.inputs.test_hostile import DOORS, EVENTS, LOG, POSTS, wrong

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.complex_numbers(),
    st.decimals(),
    st.text(max_size=5),
    st.binary(max_size=3),
    st.dates(date(1600, 1, 1)),
    st.datetimes(datetime(1600, 1, 1)),
    st.timedeltas(timedelta(-400), timedelta(400)),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
    ),
    max_leaves=6,
)


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(drawn=st.data())
def test_random_values_are_accepted_or_refused_in_words(drawn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    EVENTS.to_csv("events.csv", index=False)
    POSTS.to_csv("posts.csv", index=False)
    LOG.to_csv("log.csv", index=False)
    (tmp_path / "edges.txt").write_text("a b\nb c\n")
    door, good = DOORS[drawn.draw(st.sampled_from(list(DOORS)))]
    names = [
        one.name
        for one in inspect.signature(door).parameters.values()
        if one.kind is not one.VAR_KEYWORD
    ]
    chosen = drawn.draw(st.lists(st.sampled_from(names), max_size=2, unique=True)) if names else []
    more = {name: drawn.draw(VALUES, label=name) for name in chosen}
    assert wrong(door, good | more) is None
