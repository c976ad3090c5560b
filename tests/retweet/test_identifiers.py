"""Identifiers of posts and reposts, as files and tables write them."""

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.retweet.data.cascades import Cascades
from tests.retweet.test_cascades import same, tweets


def read_text(tmp_path, ids, reposts):
    """Cascades of a CSV file with these identifiers, a row an hour."""
    path = tmp_path / "ids.csv"
    table = pd.DataFrame({"id": ids, "t": np.arange(len(ids)), "f": 1, "of": reposts})
    table.to_csv(path, index=False)
    return hj.read_cascades(path, id="id", time="t", followers="f", repost_of="of", unit="hour")


IDENTIFIERS = {
    "floats of pandas": (["1", "2", "3"], ["", "1.0", "1.0"]),
    "with an exponent": (["100000", "2", "3"], ["", "1e+05", "100000.0"]),
    "all floats": (["1.0", "2.0", "3.0"], ["nan", "1", "1.0"]),
    "long": (["1212360731695427584", "2", "3"], ["", "1212360731695427584", "2.0"]),
    "text": (["1e", "2.0", "x"], ["", "1e", "2.0"]),
} | {
    word: (["p", "q", "r"], [word, "p", "p"])
    for word in ("NA", "null", "None", "nan", "<NA>", "NaN", "NULL", "N/A", " ")
}


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_a_file_gives_the_cascades_of_its_identifiers(tmp_path, name):
    ids, reposts = IDENTIFIERS[name]
    data = read_text(tmp_path, ids, reposts)
    assert (data.num_posts, data.num_reposts) == (1, 2)
    table = pd.DataFrame({"id": ids, "t": np.arange(3), "f": 1, "of": reposts})
    same(data, Cascades.from_dataframe(table, id="id", time="t", followers="f", repost_of="of"))


@pytest.mark.parametrize("text", ["1.2345678901234568e+18", "1234567890123456768.0", "1.23457E+18"])
def test_rounded_identifiers_of_a_file_are_refused(tmp_path, text):
    with pytest.raises(ValueError, match=r"'of': an identifier that floating point .* line 3"):
        read_text(tmp_path, ["1234567890123456789", "2"], ["", text])
    with pytest.raises(ValueError, match=r"'id': an identifier that floating point .* line 2"):
        read_text(tmp_path, [text, "2"], ["", text])


@pytest.mark.parametrize("size", [66, 67, 68, 129, 3000])
def test_chains_of_any_depth_end_at_their_post(size):
    names = [f"p{n}" for n in range(size)]
    table = pd.DataFrame({"id": names, "t": np.arange(size), "of": [None, *names[:-1]]})
    options = {"id": "id", "time": "t", "followers": None, "repost_of": "of"}
    data = Cascades.from_dataframe(table, **options)
    assert (data.num_posts, data.num_reposts) == (1, size - 1)
    table.loc[1, "of"] = names[-1]
    with pytest.raises(ValueError, match="runs in a circle"):
        Cascades.from_dataframe(table, **options)


def test_advice_does_not_lose_most_rows():
    """Where most rows are wrong, the identifiers are."""
    with pytest.raises(ValueError, match="of one kind") as error:
        tweets(id=["t10", "t11", "t12", "t13", "t14", "t15"])
    assert "'t10'" in str(error.value)
    with pytest.raises(ValueError, match="lost digits") as error:
        tweets(id=[10] * 6)
    assert "duplicates" not in str(error.value)


def test_errors_on_cascades_name_their_own_column_and_door():
    columns = {"pt": [0.5] * 6, "pn": [77] * 6, "of": [None, "99", None, "11", "12", "10"]}
    restore = {"orphans": "restore", "original_time": "pt", "original_followers": "pn"}
    with pytest.raises(ValueError, match="Column 'of': a repost of a repost"):
        tweets(args=restore, **columns)
    with pytest.raises(ValueError) as error:
        tweets(at=["yesterday"] * 6)
    assert "EventPanel" not in str(error.value)


def test_the_shared_files_of_identifiers(reference_results):
    folder = reference_results("cases")
    names = {"id": "id", "time": "t", "followers": "f", "repost_of": "of"}
    floats = hj.read_cascades(folder / "c02_float_ids.csv", **names, unit="hour")
    assert (floats.num_posts, floats.num_reposts) == (2, 2)
    names = {"id": "tweet_id", "time": "created_at", "repost_of": "sourcetweet_id"}
    names |= {"followers": "user_followers_count", "missing_followers": "zero"}
    of_r = hj.read_cascades(folder / "c20_r_na.csv", **names, unit="hour")
    assert (of_r.num_posts, of_r.num_reposts) == (2, 2)
