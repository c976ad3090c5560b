"""Parquet files: damaged ones are refused, or read as they were; numbers keep their digits."""

import traceback

import jax
import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from hawkesjax.inputs.tables import read_table

ROWS, MUTATIONS = 40, 120
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "id": [f"p{n}" for n in range(ROWS)],
        "t": np.sort(RNG.uniform(0, 9, ROWS)),
        "k": RNG.choice(["up", "down"], ROWS),
        "s": RNG.integers(0, 3, ROWS),
        "n": RNG.integers(1, 99, ROWS),
        "of": [None] * 10 + [f"p{n}" for n in RNG.integers(0, 10, ROWS - 10)],
        "a": RNG.integers(0, 6, ROWS),
        "b": RNG.integers(0, 6, ROWS),
    }
)
DOORS = {
    "events": lambda path: hj.read_events(path, time="t", mark="k", sequence="s"),
    "cascades": lambda path: hj.read_cascades(
        path, time="t", followers="n", id="id", repost_of="of"
    ),
    "messages": lambda path: hj.read_messages(
        path, time="t", source="a", target="b", kind="k", edges="messages", bin=1.0, usual=(0, 5)
    ),
}


def mutated(raw, rng):
    """Bytes with one bit flipped, one byte replaced, or a few lost."""
    out, at = bytearray(raw), int(rng.integers(4, len(raw)))
    way = rng.integers(3)
    if way == 0:
        out[at] ^= 1 << int(rng.integers(8))
    elif way == 1:
        out[at] = int(rng.integers(256))
    else:
        del out[at : at + int(rng.integers(1, 9))]
    return bytes(out)


def alike(one, two):
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=False)
    names = ("mark_names", "sequence_names", "names", "user_names")
    return all(np.array_equal(a, b) for a, b in pairs) and all(
        getattr(one, name, None) == getattr(two, name, None) for name in names
    )


@pytest.mark.parametrize("checksums", [True, False])
@pytest.mark.parametrize("door", DOORS)
def test_a_damaged_file_is_refused_or_read_as_it_was(door, checksums, tmp_path):
    """Without checksums of pages other data may come, but no error but our own."""
    path, rng = tmp_path / "rows.parquet", np.random.default_rng(1)
    TABLE.to_parquet(path, index=False, write_page_checksum=checksums)
    raw, refused = path.read_bytes(), 0
    whole = DOORS[door](path)
    for _ in range(MUTATIONS):
        path.write_bytes(mutated(raw, rng))
        try:
            found = DOORS[door](path)
        except (ValueError, OSError) as error:
            refused += 1
            assert "hawkesjax" in traceback.extract_tb(error.__traceback__)[-1].filename, error
            assert str(path) in str(error) or "Column" in str(error), error
        else:
            assert not checksums or alike(found, whole)
    assert refused > MUTATIONS / 3


def test_columns_of_files_of_others_are_what_they_are_in_arrow(tmp_path):
    """Whole numbers with gaps keep all digits; what pandas calls its index is a column."""
    path, large = tmp_path / "rows.parquet", 2**60 + 1
    frame = pd.DataFrame({"t": [1, 2, 5], "id": pd.array([large, None, 3], dtype="Int64")})
    frame.set_index("t").to_parquet(path)
    frame = read_table(path, {"time": "t", "id": "id"}).frame
    assert frame["t"].tolist() == [1, 2, 5] and frame["id"][0] == large and frame["id"].isna()[1]
