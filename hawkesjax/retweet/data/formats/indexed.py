"""Cascades in one long table of seconds and followers, and an index that says where each begins.

SEISMIC: `data.csv` (relative_time_second, number_of_followers) and `index.csv` (tweet_id,
post_time_day, start_ind, end_ind, counted from 1). evently: `time, magnitude` and `start_ind,
end_ind`, perhaps tweet_time. One cascade alone needs no index.

Source: Zhao and others (2015), SEISMIC, KDD; Kong and others (2021), evently, WSDM.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.tables import table_of
from hawkesjax.retweet.data.formats.format import Ages, Format, Source

INDEX = "index.csv"
DATA = "data.csv"


def _format(name: str, title: str, time: str, followers: str) -> Format:
    def suits(source: Source) -> bool:
        return source.is_text and {time, followers} <= set(source.columns)

    def read(source: Source) -> Ages:
        used = {"time": time, "followers": followers}
        table = table_of(source.content, used, source.plain)
        frame = pd.DataFrame(
            {"time": table.frame[time], "followers": table.frame[followers], "cascade": "0"}
        )
        seconds: Any = pd.to_numeric(frame["time"], errors="coerce")
        index = source.beside(INDEX)
        if index is not None:
            frame = _cut(frame, table_of(index, {"user": "start_ind", "mark": "end_ind"}).frame)
            frame = frame.assign(**_names(replace(source, content=index), frame.pop("at")))
        elif (np.diff(seconds.to_numpy(np.float64)) < 0).any():
            raise ValueError(
                f"{source.name} holds several cascades (times fall), but no {INDEX} lies beside "
                f"it. Put it there, with start_ind and end_ind of each."
            )
        return Ages(frame, table.rows)

    return Format(name, title, suits, read)


def _cut(frame: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
    """Each row with the place of its cascade in the index."""
    first = index["start_ind"].astype(int).to_numpy() - 1
    last = index["end_ind"].astype(int).to_numpy()
    order = np.argsort(first, kind="stable")
    whole = np.array_equal(np.append(first[order], len(frame)), np.append(0, last[order]))
    if not whole:
        raise ValueError(
            f"{INDEX}: start_ind and end_ind do not part the {len(frame):,} rows of the data, each "
            f"row into one cascade. Do they belong together?"
        )
    return frame.assign(at=np.repeat(order, (last - first)[order]))


def _names(index: Source, at: Any) -> dict[str, Any]:
    """Names of cascades, and when they began where the index says so."""
    places = at.to_numpy()
    out: dict[str, Any] = {"cascade": (places + 1).astype(str)}
    if "tweet_id" in index.columns:
        ids = table_of(index.content, {"id": "tweet_id"}).frame["tweet_id"]
        out["cascade"] = ids.to_numpy()[places]
    if "post_time_day" in index.columns:
        days = table_of(index.content, {"time": "post_time_day"}).frame["post_time_day"]
        out["start"] = days.to_numpy(np.float64)[places]
    return out


SEISMIC = _format(
    "seismic", "data.csv and index.csv of SEISMIC", "relative_time_second", "number_of_followers"
)
EVENTLY = _format("evently", "cascades of evently", "time", "magnitude")
