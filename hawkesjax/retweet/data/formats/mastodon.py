"""Statuses of Mastodon: boosts hold the status that they boost in `reblog`."""

from __future__ import annotations

from typing import Any

from hawkesjax.inputs.objects import field_of
from hawkesjax.retweet.data.formats.format import Format, Post, Posts, Source, each, lacking


def _suits(source: Source) -> bool:
    one = source.example
    known = isinstance(one.get("account"), dict) and "created_at" in one
    return known and ("reblog" in one or "visibility" in one)


def _id(status: Any) -> Any:
    """A status is known by its `uri` on all servers, by its `id` on one."""
    return field_of(status, "uri") or field_of(status, "id")


def _read(source: Source) -> Posts:
    found = []
    known = {str(one.get("id")): _id(one) for one, _ in each(source)}
    for status, line in each(source):
        if _id(status) is None or status.get("created_at") is None:
            remedy = "A status has id, created_at and account. Is it another format?"
            raise lacking(source, line, "no id or created_at", remedy)
        first = status.get("reblog") or {}
        quoted = field_of(status, "quote.quoted_status") or {}
        reply = status.get("in_reply_to_id")
        described = first or quoted
        found.append(
            Post(
                id=_id(status),
                time=status["created_at"],
                followers=field_of(status, "account.followers_count"),
                repost_of=_id(first),
                quote_of=None if first else _id(quoted),
                reply_to=None if first or reply is None else known.get(str(reply), reply),
                original_time=described.get("created_at"),
                original_followers=field_of(described, "account.followers_count"),
                line=line,
            )
        )
    return Posts(found)


MASTODON = Format("mastodon", "Mastodon statuses", _suits, _read)
