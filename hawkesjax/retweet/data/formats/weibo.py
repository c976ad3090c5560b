"""Paths of reposts: a cascade in each line, as DeepHawkes and CasFlow publish Weibo.

`id <tab> user <tab> time of the post <tab> number <tab> a:0 a/b:15 a/b/c:40 ...`, where the last
user of a path reposted so many seconds after the post.

Source: Cao and others (2017), DeepHawkes, CIKM; github.com/CaoQi92/DeepHawkes.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import Rows
from hawkesjax.retweet.data.formats.format import Ages, Format, Source, lacking

LINE = re.compile(r"[^\t]+\t[^\t]+\t[^\t]+\t\d+\t\S+:\d+(\.\d+)?( \S+:\d+(\.\d+)?)*\s*")


def _suits(source: Source) -> bool:
    return source.is_text and LINE.fullmatch(source.first) is not None


def _read(source: Source) -> Ages:
    names, times, starts, lines = [], [], [], []
    for number, text in enumerate(source.text.decode().split("\n"), 1):
        fields = text.strip().split("\t")
        remedy = "A line is id, user, time, number and paths user/user:seconds, parted by tabs."
        if len(fields) != 5:
            raise lacking(source, number, f"{len(fields)} fields instead of 5", remedy)
        name, _, start, _, paths = fields
        if not start.isdecimal():
            what = f"{start!r} is no number of seconds since 1970"
            raise lacking(source, number, what, "Write the time of the post so.")
        for path in paths.split():
            _, _, age = path.rpartition(":")
            try:
                times.append(float(age))
            except ValueError:
                raise lacking(source, number, f"{path[:40]!r} is no path", remedy) from None
            names.append(name)
            starts.append(int(start))
            lines.append(number)
    frame = pd.DataFrame({"cascade": names, "time": times, "start": starts})
    return Ages(frame, Rows("line", np.array(lines, np.int64)), "seconds")


WEIBO = Format(
    "weibo-paths", "paths of reposts, as DeepHawkes and CasFlow have them", _suits, _read
)
