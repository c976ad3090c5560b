"""Tweets of the X/Twitter API v2: pages with `data` and `includes`, or flattened tweets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hawkesjax.inputs.objects import field_of
from hawkesjax.retweet.data.formats.format import Format, Post, Posts, Source, each, lacking

FOLLOWERS = "public_metrics.followers_count"


def _tweets_of(page: dict[str, Any]) -> list[Any]:
    """The tweets of a page; a flattened tweet is one itself."""
    data = page.get("data")
    if isinstance(data, list):
        return data
    if isinstance(data, dict):  # of a stream
        return [data]
    return [page] if "id" in page else []


def _suits(source: Source) -> bool:
    tweets = _tweets_of(source.example)
    tweet = tweets[0] if tweets and isinstance(tweets[0], dict) else {}
    return "id" in tweet and "author_id" in tweet and "user" not in tweet


def _pages(source: Source) -> Iterator[tuple[list[Any], dict[str, Any], dict[str, Any], int]]:
    """Tweets of each page, its users and its included tweets by their ids, its line."""
    for page, line in each(source):
        includes = page.get("includes") or {}
        users = {one.get("id"): one for one in includes.get("users") or []}
        tweets = {one.get("id"): one for one in includes.get("tweets") or []}
        yield _tweets_of(page), users, tweets, line


def _followers(tweet: dict[str, Any], users: dict[str, Any]) -> Any:
    author = tweet.get("author") or users.get(tweet.get("author_id")) or {}
    return field_of(author, FOLLOWERS)


def _read(source: Source) -> Posts:
    found, others = [], 0
    for tweets, users, included, line in _pages(source):
        others += not tweets
        for tweet in tweets:
            if tweet.get("id") is None or tweet.get("created_at") is None:
                remedy = "Ask the API for it: tweet.fields=created_at,author_id,referenced_tweets."
                raise lacking(source, line, "a tweet without id or created_at", remedy)
            given = tweet.get("referenced_tweets") or []
            ways = {one.get("type"): one for one in given if isinstance(one, dict)}
            first, quoted = ways.get("retweeted"), ways.get("quoted")
            target = (first or quoted or {}).get("id")
            described = included.get(target) or first or quoted or {}
            found.append(
                Post(
                    id=tweet["id"],
                    time=tweet["created_at"],
                    followers=_followers(tweet, users),
                    repost_of=(first or {}).get("id"),
                    quote_of=None if first else (quoted or {}).get("id"),
                    reply_to=None if first else (ways.get("replied_to") or {}).get("id"),
                    original_time=described.get("created_at"),
                    original_followers=_followers(described, users),
                    line=line,
                )
            )
    return Posts(found, others)


TWITTER_V2 = Format(
    "twitter-v2", "X/Twitter API v2, pages with data and includes, or flattened", _suits, _read
)
