"""Tweets of the X/Twitter API v1.1: objects with `user`, `retweeted_status`, `quoted_status`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hawkesjax.inputs.objects import field_of
from hawkesjax.retweet.data.formats.format import Format, Post, Posts, Source, each, lacking


def _tweets(source: Source) -> Iterator[tuple[dict[str, Any], int]]:
    for one, line in each(source):
        for tweet in one["statuses"] if isinstance(one.get("statuses"), list) else [one]:
            yield tweet, line


def _suits(source: Source) -> bool:
    tweet = next(_tweets(source), ({}, 0))[0]
    known = isinstance(tweet.get("user"), dict) and "created_at" in tweet
    return known and ("id_str" in tweet or "id" in tweet)


def _id(tweet: Any, name: str = "id") -> Any:
    """An identifier as text, which keeps its digits; else as a number."""
    text = field_of(tweet, f"{name}_str")
    return field_of(tweet, name) if text in (None, "") else text


def _read(source: Source) -> Posts:
    found, others = [], 0
    for tweet, line in _tweets(source):
        if "created_at" not in tweet or _id(tweet) is None:
            if not ({"delete", "limit", "scrub_geo", "warning", "disconnect"} & tweet.keys()):
                remedy = "A tweet has id_str, created_at and user. Is it another format?"
                raise lacking(source, line, "no id or created_at", remedy)
            others += 1  # notices of the streaming API
            continue
        first = tweet.get("retweeted_status") or {}
        quoted = {} if first else tweet.get("quoted_status") or {}
        quote = None if first else _id(quoted) or _id(tweet, "quoted_status_id")
        described = first or quoted
        found.append(
            Post(
                id=_id(tweet),
                time=tweet["created_at"],
                followers=field_of(tweet, "user.followers_count"),
                repost_of=_id(first),
                quote_of=quote,
                reply_to=None if first else _id(tweet, "in_reply_to_status_id"),
                original_time=described.get("created_at"),
                original_followers=field_of(described, "user.followers_count"),
                line=line,
            )
        )
    return Posts(found, others)


TWITTER_V1 = Format("twitter-v1", "X/Twitter API v1.1, one tweet in each line", _suits, _read)
