"""Tables of twarc-csv: tweets of the X/Twitter API v2 with fields joined by points."""

from __future__ import annotations

import numpy as np

from hawkesjax.inputs.tables import table_of
from hawkesjax.retweet.data.formats.format import Format, Post, Posts, Source

RETWEETED, QUOTED, REPLIED = (
    f"referenced_tweets.{way}.id" for way in ("retweeted", "quoted", "replied_to")
)
NEEDED = {"id": "id", "time": "created_at", "repost_of": RETWEETED}
OPTIONAL = {
    "source": QUOTED,
    "target": REPLIED,
    "followers": "author.public_metrics.followers_count",
}


def _suits(source: Source) -> bool:
    return source.is_text and set(NEEDED.values()) <= set(source.columns)


def _read(source: Source) -> Posts:
    known = {role: name for role, name in OPTIONAL.items() if name in source.columns}
    table = table_of(source.content, NEEDED | known, source.plain)
    frame = table.frame.astype(object).where(table.frame.notna(), None)
    frame = frame.replace("", None)
    lines = table.rows.number
    assert isinstance(lines, np.ndarray)
    nothing = [None] * len(frame)
    columns = [frame[name].tolist() for name in NEEDED.values()]
    columns += [frame[n].tolist() if n in known.values() else nothing for n in OPTIONAL.values()]
    rows = zip(*columns, lines.tolist(), strict=True)
    return Posts(
        [
            Post(id=own, time=time, repost_of=first, quote_of=quote, reply_to=reply,
                 followers=followers, line=line)
            for own, time, first, quote, reply, followers, line in rows
        ]
    )  # fmt: skip


TWARC_CSV = Format("twarc-csv", "table of twarc-csv (X/Twitter API v2)", _suits, _read)
