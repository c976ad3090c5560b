"""Networks from files without times: lists of edges, MatrixMarket, GraphML."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Unpack

import numpy as np
import pandas as pd

from hawkesjax.inputs.arguments import AT_LEAST_0, checked, number
from hawkesjax.inputs.checks import ROWS, Rows, listed, short
from hawkesjax.inputs.dialect import Dialect, FileOptions, dialect_of
from hawkesjax.inputs.files import TEXT, Content, read_content, text_of
from hawkesjax.inputs.identifiers import disguised
from hawkesjax.inputs.tables import Table, finished, read_whole_table, table_of
from hawkesjax.inputs.text import text_table
from hawkesjax.katz.data.activity import Activity

ENDS = ("source", "target")
KONECT = re.compile(rb"^%\s*(sym|asym|bip)\s+(\w+)", re.MULTILINE)
Edges = Literal["reposts", "messages", "both"]


@dataclass(frozen=True)
class Network:
    """Edges as a file lists them.

    Args:
        frame: columns source, target and, where it has any, weight.
        rows: how messages call them.
        users: names of all users, those without edges too; None: those of the edges.
        undirected: whether the file says that edges have no direction.
    """

    frame: pd.DataFrame
    rows: Rows
    users: list[Any] | None = None
    undirected: bool = False


@checked
def read_network(
    path: str | os.PathLike[str],
    *,
    baselines: Any,
    edges: Edges | None = None,
    weighted: bool | None = None,
    self_loops: bool = False,
    **file: Unpack[FileOptions],
) -> Activity:
    """A network without times, for steady states and rankings.

    Args:
        path: a list of edges as SNAP, KONECT and network-repository give them (lines that begin
            with # or % are comments; source, target, and what `columns` names after them; without
            a header, unless its first row has source and target), a matrix in MatrixMarket
            (`.mtx`; row source, column target, users counted from 1), or GraphML (with networkx);
            packed as in `hawkesjax.read_events`.
        baselines: activity of each user: a table (a file of two columns, user and number, or the
            columns user and baseline), a Series or mapping by user, or a number for all alike.
        edges: what an edge from source to target means: "reposts" (the source listens to the
            target), "messages" (the target listens to the source), or "both". Files of undirected
            edges are "both"; all others need it: the direction decides the sign of the result.
        weighted: use the weights of edges; False: all are 1. Needed where they differ from 1.
        self_loops: keep edges to oneself.
        file: how the file is written, as in `hawkesjax.read_events`. `columns` names what stands
            in a list of edges: "source,target,weight", and any name for what is not read.

    Raises:
        ValueError: for files that are damaged or not what they say, and as `Activity.from_matrix`.
        FileNotFoundError: if there is no such file.
        ImportError: for GraphML without networkx, and as `hawkesjax.read_events`.

    Example:
        >>> activity = hj.read_network("network.txt", baselines=1, edges="reposts")
        >>> ranking = hj.katz.rank(activity, alpha_star=0.4)
    """
    dialect = dialect_of(dict(file), "read_network")
    content = read_content(path, TEXT)
    network = _read(content, dialect)
    if edges is None and not network.undirected:
        raise ValueError(
            f"{content.name}: which way do edges go? Pass edges='reposts' where the source of an "
            f"edge listens to its target, edges='messages' where the target listens, or 'both'."
        )
    used = {"source": "source", "target": "target"}
    frame = finished(Table(network.frame, network.rows), used, dialect).frame
    weight = _weight(frame, weighted, content.name)
    links: Any = frame[list(ENDS)] if weight is None else frame[[*ENDS, "weight"]]
    if edges == "messages":
        links = links.rename(columns={"source": "target", "target": "source"})
    if edges == "both" or (edges is None and network.undirected):
        back = links[links["source"] != links["target"]]
        back = back.rename(columns={"source": "target", "target": "source"})
        links = pd.concat([links, back], ignore_index=True)
    columns: Any = tuple(links[name] for name in (*ENDS, "weight") if name in links)
    b, users = _baselines(baselines, dialect), _users(network, dialect)
    if isinstance(b, pd.Series) and users is not None and set(map(str, users)) <= set(b.index):
        users = None  # those of the table, who are more
    return Activity.from_matrix(columns, b, users, self_loops=self_loops)


def _read(content: Content, dialect: Dialect) -> Network:
    head = content.raw[:4096]
    if head.startswith(b"%%MatrixMarket"):
        return _matrix(content)
    if b"<graphml" in head:
        return _graphml(content)
    return _edge_list(content, dialect)


def _matrix(content: Content) -> Network:
    from scipy import sparse
    from scipy.io import mmread

    try:
        matrix: Any = sparse.coo_array(mmread(io.BytesIO(content.raw)))
    except Exception as error:  # damaged text ends in errors of any type
        said = short(error, 100)
        raise ValueError(
            f"{content.name} cannot be read as MatrixMarket ({said}). Write it again."
        ) from error
    rows, columns = matrix.shape
    if rows != columns:
        raise ValueError(
            f"{content.name} has {rows:,} rows and {columns:,} columns. A network is square: give "
            f"one with the same users on both sides."
        )
    source, target = (np.asarray(side) + 1 for side in matrix.coords)
    frame = pd.DataFrame({"source": source, "target": target, "weight": matrix.data})
    symmetric = b"symmetric" in content.raw.split(b"\n", 1)[0].lower()
    # The reader has mirrored a symmetric matrix already.
    if symmetric:
        frame = frame[frame["source"] <= frame["target"]].reset_index(drop=True)
    return Network(frame, Rows("entry"), list(range(1, rows + 1)), symmetric)


def _graphml(content: Content) -> Network:
    try:
        import networkx
    except ImportError as error:
        raise ImportError(
            f"Reading {content.name} needs networkx: pip install 'hawkesjax[graphml]'."
        ) from error
    try:
        graph = networkx.read_graphml(io.BytesIO(content.raw))
    except Exception as error:  # damaged XML ends in errors of any type
        said = short(error, 100)
        raise ValueError(f"{content.name} cannot be read as GraphML ({said}).") from error
    found: Any = [(a, b, data.get("weight")) for a, b, data in graph.edges(data=True)]
    frame = pd.DataFrame(found, columns=["source", "target", "weight"])
    if frame["weight"].isna().to_numpy().all():
        frame = frame.drop(columns="weight")
    return Network(frame, Rows("edge"), list(graph.nodes), not graph.is_directed())


def _edge_list(content: Content, dialect: Dialect) -> Network:
    raw = text_of(content, dialect)
    begin = raw.lstrip()[:1].decode("ascii", "ignore")
    if dialect.comment is None and begin in ("#", "%"):
        dialect = replace(dialect, comment=begin)
    way = KONECT.search(raw[:4096])
    kind = way[1] if way else b""
    if kind == b"bip":
        raise ValueError(
            f"{content.name} is bipartite (% bip): its edges join two sets of users. Give a "
            f"network of one set."
        )
    plain = replace(dialect, columns=None)
    first = text_table(content.name, raw, plain, (), content.tabbed).columns
    headed = {name.strip().lower() for name in first} >= set(ENDS) and dialect.columns is None
    names = [name.strip().lower() for name in first]
    if not headed and dialect.columns is None:
        names = _names(content.name, len(first), way is not None)
    if dialect.columns is not None:
        names = list(dialect.columns)
    lacking = [end for end in ENDS if end not in names]
    if lacking:
        raise ValueError(
            f"columns= are {listed(names)}. Name the columns of the edges source and target."
        )
    known = replace(dialect, header=headed, columns=None if headed else tuple(names))
    columns = first if headed else names
    used = {role: columns[names.index(role)] for role in (*ENDS, "weight") if role in names}
    table = table_of(content, used, replace(known, fold=False, pseudonyms=None), _as_edges)
    frame = table.frame[list(used.values())].set_axis(list(used), axis=1)
    return Network(frame, table.rows, None, kind == b"sym")


def _names(file: str, size: int, konect: bool) -> list[str]:
    """Names of the columns of a list of edges without a header."""
    if size == 2 or (konect and size <= 4):
        return [*ENDS, "weight", "time"][:size]
    raise ValueError(
        f"{file} has {size} columns in its first row. Name them: columns='source,target,weight' "
        f"where the third is a weight, and any other names for what is not to be read."
    )


def _as_edges(body: bytes, used: dict[str, Any], separator: str) -> dict[str, Any]:
    """Users as numbers where no digit is lost by it; else as they are spelled."""
    spelled = re.search(rb"(?:^|[\s" + re.escape(separator.encode()) + rb'])(?:\+|-?0\d)|"', body)
    ends = {used[end]: str for end in ENDS} if spelled else {}
    return {"dtype": ends, "na_values": [""]}


def _weight(frame: pd.DataFrame, weighted: bool | None, name: str) -> Any:
    """The weights that are used; None for edges of 1."""
    if "weight" not in frame:
        if weighted:
            raise ValueError(
                f"{name} has no weights. Name their column weight with columns=, or leave "
                f"weighted= out."
            )
        return None
    if weighted is None:
        series: Any = pd.to_numeric(frame["weight"], errors="coerce")
        numbers = series.to_numpy(np.float64)
        if (numbers == 1).all():
            return None
        shown = f"{np.nanmin(numbers):g} to {np.nanmax(numbers):g}" if len(numbers) else "none"
        raise ValueError(
            f"{name} has weights ({shown}). Pass weighted=True to use them, or weighted=False for "
            f"edges of 1."
        )
    return frame["weight"].to_numpy() if weighted else None


def _users(network: Network, dialect: Dialect) -> Any:
    if network.users is None:
        return None
    if not (dialect.fold or dialect.pseudonyms):
        return network.users
    frame = pd.DataFrame({"user": pd.Series(network.users, dtype=object)})
    return list(disguised(frame, ["user"], dialect, ROWS)[0])


def _baselines(given: Any, dialect: Dialect) -> Any:
    """Baselines by user, as a Series; a number stays one."""
    if isinstance(given, Mapping):
        return pd.Series(dict(given))
    if isinstance(given, pd.Series):
        return given
    if not isinstance(given, (str, os.PathLike)):
        return number(given, "baselines", AT_LEAST_0)
    own: Any = {"separator": None, "comment": None, "header": True, "columns": None, "sheet": None}
    side = replace(dialect, **own)
    names = list(read_whole_table(given, (), side).frame.columns)
    user, posts = ("user", "baseline") if {"user", "baseline"} <= set(names) else (names * 2)[:2]
    if len(names) != 2 and "baseline" not in names:
        raise ValueError(
            f"{given} has the columns {listed(names)}. Give two, user and number, or name them "
            f"user and baseline."
        )
    frame = read_whole_table(given, (user, posts), side, labels=(user,)).frame
    numbers: Any = pd.to_numeric(frame[posts], errors="coerce")
    return pd.Series(numbers.to_numpy(np.float64), index=pd.Index(frame[user].astype(object)))
