"""Result files: bit for bit, and nothing read that should not be."""

import json
import subprocess
import sys

import h5py
import jax
import numpy as np
import pytest
import xarray as xr

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
        if name == "log_likelihood":  # in single precision
            xr.testing.assert_allclose(part, again.groups()[name], rtol=0, atol=1e-4)
        else:
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


def attributes(file, **changed):
    held = json.loads(file.attrs["attributes"])
    held.update(changed)
    file.attrs["attributes"] = json.dumps({k: v for k, v in held.items() if v is not None})


def scaled(file):
    file["posterior/alpha"].attrs["scale_factor"] = 10.0


def dated(file):
    file["posterior/alpha"].attrs["units"] = "days since 2000-01-01"


@pytest.mark.parametrize("spoil", [scaled, dated])
def test_numbers_come_back_as_they_stand_in_the_file(spoil, post, path):
    with h5py.File(path, "r+") as file:
        spoil(file)
    np.testing.assert_array_equal(hj.load(path)["alpha"].values, post["alpha"].values)


def no_config(file):
    attributes(file, config=None)


def strange_config(file):
    attributes(file, config={"model": "hawkes", "wings": 2})


def no_home(file):
    attributes(file, home=None)


def no_info(file):
    attributes(file, info=None)


def poor_info(file):
    attributes(file, info={"num_warmup": 1})


def list_for_attributes(file):
    file.attrs["attributes"] = "[1, 2]"


def text_for_attributes(file):
    file.attrs["attributes"] = "{"


def no_attributes(file):
    del file.attrs["attributes"]


def extra_group(file):
    file.create_group("posterior_predictive")


def extra_parameter(file):
    file["posterior/delta"] = file["posterior/mu"][...]


def no_alpha(file):
    del file["posterior/alpha"]


def negative(file):
    file["posterior/gamma"][0, 1] = -1.0


def not_finite(file):
    file["posterior/alpha"][0, 0, 0, 0] = np.nan


def no_statistic(file):
    del file["sample_stats/energy"]


def text_draws(file):
    del file["posterior/mu"]
    file["posterior/mu"] = np.array([b"x"])


@pytest.mark.parametrize(
    "spoil, word",
    [
        (no_config, "settings"),
        (strange_config, "settings are not valid for a"),
        (no_home, "module"),
        (no_info, "how it was sampled"),
        (poor_info, "how it was sampled"),
        (list_for_attributes, "settings"),
        (text_for_attributes, "not a whole"),
        (no_attributes, "not a whole"),
        (extra_group, "posterior_predictive"),
        (extra_parameter, "delta"),
        (no_alpha, "alpha"),
        (not_finite, "alpha has draws that are not finite"),
        (negative, r"a draw of gamma.* is -1; it must be a finite number above 0"),
        (no_statistic, "energy"),
        (text_draws, "fit"),
    ],
)
def test_results_that_are_not_whole_are_refused_in_words(spoil, word, path):
    with h5py.File(path, "r+") as file:
        spoil(file)
    with pytest.raises(ValueError, match=word) as caught:
        hj.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are those of POSIX")
def test_where_the_file_finds_no_room_the_last_one_stays_and_the_process_lives(path):
    code = f"""
import resource, signal
import hawkesjax as hj
post = hj.load({str(path)!r})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    post.save({str(path)!r}, force=True)
except OSError as error:
    print("refused:", error)
"""
    before = path.read_bytes()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "refused" in done.stdout
    assert "not written" in done.stdout
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["fit.nc"]


def test_a_link_in_the_place_of_the_new_file_is_replaced_not_followed(post, path, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    path.unlink()
    path.symlink_to(precious)
    post.save(path, force=True)
    assert precious.read_text() == "mine"
    assert not path.is_symlink()


@pytest.mark.parametrize(("name", "word"), [("none/fit.nc", "missing"), ("", "folder")])
def test_a_place_that_cannot_hold_the_file_is_said(name, word, post, tmp_path):
    with pytest.raises(OSError, match=word):
        post.save(tmp_path / name, force=True)
