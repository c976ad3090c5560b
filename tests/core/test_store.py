"""Result files: bit for bit, and nothing read that should not be."""

import h5py
import jax
import numpy as np
import pytest

import hawkesjax as hj

pytestmark = pytest.mark.filterwarnings("ignore::hawkesjax.SamplingWarning")


@pytest.fixture(scope="module")
def post():
    panel = hj.EventPanel.from_arrays(
        np.arange(1.0, 30.0), np.zeros(29, int), window=(0, 30), mark_names=["post"], unit="day"
    )
    return hj.sample(
        hj.Hawkes(), panel, key=jax.random.key(0), num_warmup=10, num_samples=10, num_chains=2,
        block=10, progress=False,
    )  # fmt: skip


@pytest.fixture
def path(post, tmp_path):
    post.save(tmp_path / "fit.nc")
    return tmp_path / "fit.nc"


def test_round_trip_bit_for_bit(post, path):
    again = hj.load(path)
    for name, part in post.groups().items():
        assert part.identical(again.groups()[name]), name
        for variable in part.variables:
            assert part[variable].dtype.kind == again.groups()[name][variable].dtype.kind
    assert (again.config, again.info) == (post.config, post.info)
    again.to_arviz()


def test_an_existing_file_is_kept_without_force(post, path):
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="force"):
        post.save(path)
    assert path.read_bytes() == before
    post.save(path, force=True)
    assert [p.name for p in path.parent.iterdir()] == ["fit.nc"]


def external_link(file):
    file["posterior/secret"] = h5py.ExternalLink("/etc/hostname", "/x")


def soft_link(file):
    file["posterior/alias"] = h5py.SoftLink("/posterior/alpha")


def external_data(file):
    file.create_dataset("posterior/raw", (4,), "u1", external=[("/etc/hostname", 0, 4)])


def virtual_data(file):
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", shape=(4,))
    file.create_virtual_dataset("posterior/view", layout)


def bomb(file):
    file.create_dataset("posterior/bomb", (2**40,), "f8", chunks=(2**20,), compression="gzip")


def circle(file):
    file["posterior/again"] = file["/posterior"]


def stranger(file):
    file.attrs["format"] = "something else"


def half(file):
    del file["sample_stats"]


@pytest.mark.parametrize(
    "spoil, word",
    [
        (external_link, "link"),
        (soft_link, "link"),
        (external_data, "another file"),
        (virtual_data, "another file"),
        (bomb, "cap"),
        (circle, "in a cycle"),
        (stranger, "not a result"),
        (half, "sample_stats"),
    ],
)
def test_files_that_reach_out_or_declare_too_much_are_refused(spoil, word, path):
    with h5py.File(path, "r+") as file:
        spoil(file)
    with pytest.raises(ValueError, match=word):
        hj.load(path)


@pytest.mark.parametrize("content", [b"", b"plain text", None])
def test_files_that_are_no_result_are_refused(content, path):
    path.write_bytes(path.read_bytes()[:3000] if content is None else content)
    with pytest.raises(ValueError, match="not a whole"):
        hj.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.nc"):
        hj.load(tmp_path / "nothing.nc")
