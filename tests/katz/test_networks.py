"""Networks without times, as collections give them: the same edges, through every door."""

import bz2
import gzip
import sys

import numpy as np
import pandas as pd
import pytest

import hawkesjax as hj
from tests.cli.driver import run_named

A = np.array([[0.0, 1, 1], [1, 0, 0], [0, 0, 0]])  # 0 listens to 4 and 5, 4 to 0
SNAP = "# Directed graph\n# FromNodeId\tToNodeId\n0\t4\n0\t5\n4\t0\n"
MTX = "%%MatrixMarket matrix coordinate {}\n% of mine\n3 3 3\n1 2{w}\n1 3{w}\n2 1{w}\n"
GRAPHML = """<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<graph edgedefault="{way}"><node id="0"/><node id="4"/><node id="5"/>
<edge source="0" target="4"/><edge source="0" target="5"/>{last}</graph></graphml>"""
DIRECTED = {
    "SNAP": ("s.txt", SNAP, {}),
    "SNAP, packed": ("s.txt.gz", gzip.compress(SNAP.encode()), {}),
    "KONECT": ("out.mine", "% asym unweighted\n% 3 3 3\n0 4 \n0 5 \n4 0 \n", {}),
    "KONECT, times": ("out.t.bz2", bz2.compress(b"% asym positive\n0 4 1 9\n0 5 1 8\n4 0 1 7"), {}),
    "network-repository": ("n.edges", "0,4\n0,5\n4,0\n", {}),
    "with a header": ("e.csv", "Id,Target,Source\n1,4,0\n2,5,0\n3,0,4\n", {}),
    "three columns": ("e.txt", "0 4 9\n0 5 9\n4 0 9\n", {"columns": "source,target,time"}),
    "repeated edges": ("e.txt", "0 4\n0 5\n4 0\n0 4\n", {}),
    "weights of 1": ("e.txt", "0 4 1\n0 5 1\n4 0 1\n", {"columns": "source,target,weight"}),
    "MatrixMarket": ("m.mtx", MTX.format("pattern general", w=""), {}),
    "MatrixMarket of numbers": ("m.mtx.gz", gzip.compress(
        MTX.format("integer general", w=" 1").encode()), {}),
    "GraphML": ("g.graphml", GRAPHML.format(
        way="directed", last='<edge source="4" target="0"/>'), {}),
}  # fmt: skip


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("name", list(DIRECTED))
def test_collections_give_the_same_network(tmp_path, name):
    file, content, options = DIRECTED[name]
    if "GraphML" in name:
        pytest.importorskip("networkx")
    path = write(tmp_path, file, content)
    names = ["1", "2", "3"] if "Matrix" in name else ["0", "4", "5"]
    table = write(tmp_path, "b.csv", "user;posts\n" + "".join(
        f"{user};{posts}\n" for user, posts in zip(names, (3, 1, 2), strict=True)))  # fmt: skip
    for edges, matrix in (("reposts", A), ("messages", A.T), ("both", np.maximum(A, A.T))):
        found = hj.read_network(path, baselines=table, edges=edges, **options)
        assert list(found.user_names) == names
        np.testing.assert_array_equal(found.matrix.toarray(), matrix)
        np.testing.assert_array_equal(found.baseline, [3, 1, 2])
    alike = hj.read_network(path, baselines=2.0, edges="reposts", **options)
    np.testing.assert_array_equal(alike.baseline, [2, 2, 2])


UNDIRECTED = {
    "KONECT": ("out.mine", "% sym unweighted\n0 4\n0 5\n"),
    "MatrixMarket": (
        "m.mtx", "%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n3 1\n",
    ),
    "GraphML": ("g.graphml", GRAPHML.format(way="undirected", last="")),
}  # fmt: skip


@pytest.mark.parametrize("name", list(UNDIRECTED))
def test_files_that_say_so_are_undirected(tmp_path, name):
    if name == "GraphML":
        pytest.importorskip("networkx")
    found = hj.read_network(write(tmp_path, *UNDIRECTED[name]), baselines=1.0)
    np.testing.assert_array_equal(found.matrix.toarray(), [[0, 1, 1], [1, 0, 0], [1, 0, 0]])


def test_weights_and_silent_users_are_kept(tmp_path):
    path = write(tmp_path, "w.edges", "a b 0.5\nb a 2\na b 1\n")
    b = pd.Series([1.0, 2.0, 4.0], index=["c", "a", "b"])
    given = {"baselines": b, "edges": "reposts", "columns": ["source", "target", "weight"]}
    found = hj.read_network(path, weighted=True, **given)
    assert list(found.user_names) == ["c", "a", "b"]
    np.testing.assert_array_equal(found.matrix.toarray()[1:, 1:], [[0, 1.5], [2, 0]])
    ones = hj.read_network(path, weighted=False, **given)
    np.testing.assert_array_equal(ones.matrix.toarray()[1:, 1:], [[0, 1], [1, 0]])


GO = {"edges": "reposts", "baselines": 1.0}
REFUSED = {
    "no direction": ("s.txt", SNAP, {"edges": None}, "edges='reposts'|edges='messages'"),
    "three columns": ("e.txt", "1 2 3\n", {}, "3 columns|columns='source,target,weight'"),
    "weights": (
        "e.txt", "1 2 3\n", {"columns": "source,target,weight"}, "(3 to 3)|weighted=True",
    ),
    "no weights": ("s.txt", SNAP, {"weighted": True}, "no weights"),
    "no ends": ("e.txt", "1 2\n", {"columns": "a,b"}, "source and target"),
    "a bipartite one": ("out.b", "% bip unweighted\n1 2\n", {}, "bipartite"),
    "an oblong matrix": (
        "m.mtx", "%%MatrixMarket matrix coordinate pattern general\n2 3 1\n1 3\n", {}, "2 rows",
    ),
    "a damaged matrix": ("m.mtx", MTX.format("pattern general", w="")[:-4], {}, "MatrixMarket"),
    "a row cut short": ("s.txt", SNAP + "7\n", {}, "line 6"),
    "a user without a baseline": ("s.txt", SNAP, {"baselines": {"0": 1, "4": 1}}, "'5'"),
    "comments alone": ("s.txt", "# nothing\n", {}, "only comments"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused_networks_say_why(tmp_path, name):
    file, content, options, words = REFUSED[name]
    with pytest.raises(ValueError) as error:
        hj.read_network(write(tmp_path, file, content), **(GO | options))
    for word in words.split("|"):
        assert word in str(error.value), str(error.value)


def test_graphml_without_networkx_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(ImportError, match=r"hawkesjax\[graphml\]"):
        hj.read_network(write(tmp_path, *UNDIRECTED["GraphML"]), baselines=1.0)


def test_the_command_line_ranks_a_network_without_times(tmp_path):
    write(tmp_path, "s.txt", SNAP)
    write(tmp_path, "b.csv", "user,baseline\n0,3\n4,1\n5,2\n")
    rank = ["katz", "rank", "s.txt", "--no-pictures"]
    lines = {
        "table": [*rank, "--baselines", "b.csv", "--edges", "reposts", "--out", "table"],
        "number": [*rank, "--baselines", "1", "--edges", "both", "--out", "number"],
        "no direction": [*rank, "--baselines", "1"],
        "a window": [*rank, "--baselines", "1", "--usual", "0", "1", "--edges", "both"],
        "neither": [*rank, "--edges", "reposts"],
    }
    said = {"no direction": "--edges reposts", "a window": "leave --usual out",
            "neither": "--usual"}  # fmt: skip
    for name, (code, out, err) in run_named(lines, tmp_path).items():
        assert code == (2 if name in said else 0), (name, out, err)
        assert said.get(name, "") in err, err
    ranking = pd.read_csv(tmp_path / "table" / "ranking.csv").set_index("user")["score"]
    given = hj.read_network(tmp_path / "s.txt", baselines=tmp_path / "b.csv", edges="reposts")
    expected = np.linalg.solve(np.eye(3) - 0.4 * A, given.baseline)  # rho is 1
    np.testing.assert_allclose(ranking.loc[[0, 4, 5]], expected, rtol=1e-6)
