"""Cascade files of TiDeH: a file for each post, its first line the number of reposts and the day.

`4963 0.5003819` then `0 90`, `292 433344`, ...: seconds since the post, followers.

Source: Kobayashi and Lambiotte (2016), TiDeH, ICWSM; github.com/NII-Kobayashi/TiDeH.
"""

from __future__ import annotations

import re
from pathlib import PurePath

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import Rows
from hawkesjax.retweet.data.formats.format import Ages, Format, Source, lacking

NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
PAIR = re.compile(rf"\s*({NUMBER})\s+({NUMBER})\s*")


def _suits(source: Source) -> bool:
    if not source.is_text:
        return False
    head, _, rest = source.text.decode().partition("\n")
    head, root = PAIR.fullmatch(head), PAIR.match(rest)
    if head is None or root is None:
        return False
    return head[1].isdecimal() and "." in head[2] and float(root[1]) == 0


def _read(source: Source) -> Ages:
    rows = []
    for number, line in enumerate(source.text.decode().split("\n"), 1):
        pair = PAIR.fullmatch(line)
        if pair is None:
            remedy = (
                "The first line is the number of reposts and the day, others seconds, followers."
            )
            raise lacking(source, number, f"{line[:40]!r} is no pair of numbers", remedy)
        rows.append((float(pair[1]), float(pair[2])))
    (count, day), *rows = rows
    if len(rows) not in (int(count), int(count) + 1):
        what = f"it tells of {int(count):,} reposts, but {len(rows) - 1:,} follow the post"
        raise lacking(source, 1, what, "Is the file whole?")
    frame = pd.DataFrame(rows, columns=["time", "followers"])
    name = PurePath(source.name).name.split(".")[0]
    frame = frame.assign(cascade=name, start=day)
    return Ages(frame, Rows("line", np.arange(len(rows)) + 2))


TIDEH = Format("tideh", "cascade files of TiDeH, one or a folder", _suits, _read)
