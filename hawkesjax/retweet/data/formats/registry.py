"""All formats, and how a file's own is found."""

from __future__ import annotations

from hawkesjax.inputs.checks import listed
from hawkesjax.retweet.data.formats.bluesky import BLUESKY
from hawkesjax.retweet.data.formats.format import Format, Source
from hawkesjax.retweet.data.formats.indexed import EVENTLY, SEISMIC
from hawkesjax.retweet.data.formats.mastodon import MASTODON
from hawkesjax.retweet.data.formats.tideh import TIDEH
from hawkesjax.retweet.data.formats.twarc_csv import TWARC_CSV
from hawkesjax.retweet.data.formats.twitter_v1 import TWITTER_V1
from hawkesjax.retweet.data.formats.twitter_v2 import TWITTER_V2
from hawkesjax.retweet.data.formats.weibo import WEIBO

FORMATS = (
    TWITTER_V1,
    TWITTER_V2,
    TWARC_CSV,
    BLUESKY,
    MASTODON,
    WEIBO,
    TIDEH,
    SEISMIC,
    EVENTLY,
)
BY_NAME = {one.name: one for one in FORMATS}


def named(name: str) -> Format:
    """The format of that name.

    Raises:
        ValueError: if there is none.
    """
    if not isinstance(name, str) or name not in BY_NAME:
        raise ValueError(f"format={name!r} is not known. There are {listed(BY_NAME, 20)}.")
    return BY_NAME[name]


def recognised(source: Source) -> Format | None:
    """The one format that a file is surely of, None where none or several may be."""
    found = [one for one in FORMATS if one.suits(source)]
    return found[0] if len(found) == 1 else None
