"""Real data that are fetched: kept, read offline, refused in words; from a server on loopback."""

import functools
import hashlib
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hawkesjax import datasets

ROWS = """time,comment,stance
Sat Mar 07 01:32:43 +0000 2020,"a, b",comment
Sat Mar 07 02:32:43 +0000 2020,"said

twice",deny
Sat Mar 07 02:32:43 +0000 2020,"said

twice",deny
Mon Mar 09 02:32:43 +0000 2020,late,comment
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of two such files; its folder, and how to stop it."""
    home = tmp_path / "server"
    home.mkdir()
    known = {}
    for name in ("one.csv", "two.csv"):
        (home / name).write_text(ROWS)
        known[name] = hashlib.sha256((home / name).read_bytes()).hexdigest()
    serving = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(home)))
    threading.Thread(target=serving.serve_forever, args=(0.01,), daemon=True).start()

    def stop():
        serving.shutdown()
        serving.server_close()

    monkeypatch.setattr(datasets, "RUMOURS", f"http://127.0.0.1:{serving.server_port}/")
    monkeypatch.setattr(datasets, "REPLIES", known)
    yield home, stop
    stop()


def test_rumours_are_fetched_once_and_then_read_where_they_lie(server, tmp_path, capfd):
    _, stop = server
    panel = datasets.rumours(folder=tmp_path / "kept")
    stop()
    assert datasets.rumours(folder=tmp_path / "kept").counts.tolist() == panel.counts.tolist()
    assert panel.counts.tolist() == [[1, 1], [1, 1]]  # without repeats, within two days
    assert list(panel.sequence_names) == ["rumour 01", "rumour 02"]
    assert list(panel.mark_names) == ["comment", "deny"]
    assert panel.to_dataframe()["time"].tolist() == [0.0, 1.0] * 2
    assert capfd.readouterr() == ("", "")


def test_other_content_is_refused_and_not_kept(server, tmp_path):
    home, _ = server
    (home / "two.csv").write_text(ROWS + "\n")
    with pytest.raises(ValueError, match=r"What came from http://127.* other content .* not kept"):
        datasets.rumours(folder=tmp_path / "kept")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["one.csv"]
    (tmp_path / "kept" / "one.csv").write_text("mine")
    with pytest.raises(ValueError, match=r"one\.csv has other content .*: delete it, and try"):
        datasets.rumours(folder=tmp_path / "kept")
    assert (tmp_path / "kept" / "one.csv").read_text() == "mine"


def test_offline_says_what_belongs_where_and_takes_it_from_there(server, tmp_path):
    home, stop = server
    stop()
    where = tmp_path / "kept"
    with pytest.raises(OSError) as refused:
        datasets.rumours(folder=where)
    said = str(refused.value)
    assert f"{where} has 0 of the 2 files" in said and "by hand and put there: one.csv, two" in said
    assert datasets.RUMOURS in said and "ConnectionError" in said
    assert not list(where.iterdir())
    for path in home.iterdir():
        (where / path.name).write_bytes(path.read_bytes())
    assert datasets.rumours(folder=where).num_events == 4
