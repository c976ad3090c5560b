"""Posts and reposts of Bluesky: events of Jetstream, feeds of the API, records of a repository."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hawkesjax.inputs.objects import field_of
from hawkesjax.retweet.data.formats.format import Format, Post, Posts, Source, each, lacking

POST, REPOST = "app.bsky.feed.post", "app.bsky.feed.repost"


def _suits(source: Source) -> bool:
    one = source.example
    item = next(iter(one.get("feed") or one.get("posts") or one.get("records") or [one]), {})
    uri = field_of(item, "post.uri") or field_of(item, "uri")
    event = "did" in one and isinstance(one.get("commit") or one.get("identity"), dict)
    return event or (isinstance(uri, str) and uri.startswith("at://"))


def _items(source: Source) -> Iterator[tuple[dict[str, Any], int]]:
    """Single things, out of the pages that hold them."""
    for one, line in each(source):
        inside = next((one[n] for n in ("feed", "posts", "records") if n in one), [one])
        for item in inside:
            yield item, line


def _read(source: Source) -> Posts:
    found: dict[Any, Post] = {}
    others = 0
    for item, line in _items(source):
        posts = _of_item(source, item, line)
        others += not posts
        for n, post in enumerate(posts):
            # A feed shows a post again with every repost of it.
            key = post.id if n or "post" in item else (post.id, len(found))
            found.setdefault(key, post)
    return Posts(list(found.values()), others)


def _of_item(source: Source, item: dict[str, Any], line: int) -> list[Post]:
    if "commit" in item:  # an event of Jetstream
        commit = item["commit"]
        kind, record = commit.get("collection"), commit.get("record")
        if commit.get("operation") != "create" or kind not in (POST, REPOST):
            return []
        uri = f"at://{item.get('did')}/{kind}/{commit.get('rkey')}"
        return [_of_record(source, uri, record or {}, None, line)]
    if "post" in item:  # of a feed, perhaps as somebody reposted it
        view, reason = item["post"], item.get("reason") or {}
        post = _of_view(source, view, line)
        if not str(reason.get("$type", "")).endswith("reasonRepost"):
            return [post]
        by = reason.get("by") or {}
        uri = reason.get("uri") or f"{by.get('did')} of {post.id}"
        again = Post(
            id=uri, time=reason.get("indexedAt"), followers=by.get("followersCount"),
            repost_of=post.id, original_time=post.time, original_followers=post.followers,
            line=line,
        )  # fmt: skip
        return [post, again]
    if "value" in item:  # a record of a repository
        return [_of_record(source, item.get("uri"), item["value"], None, line)]
    if "record" in item:
        return [_of_view(source, item, line)]
    return []


def _of_view(source: Source, view: dict[str, Any], line: int) -> Post:
    followers = field_of(view, "author.followersCount")
    return _of_record(source, view.get("uri"), view.get("record") or {}, followers, line)


def _of_record(source: Source, uri: Any, record: dict[str, Any], followers: Any, line: int) -> Post:
    if uri is None or record.get("createdAt") is None:
        remedy = "A record of Bluesky has a uri and createdAt. Is it another format?"
        raise lacking(source, line, "no uri or createdAt", remedy)
    repost = field_of(record, "subject.uri")
    quoted = field_of(record, "embed.record.uri") or field_of(record, "embed.record.record.uri")
    return Post(
        id=uri,
        time=record["createdAt"],
        followers=followers,
        repost_of=repost,
        quote_of=None if repost else quoted,
        reply_to=None if repost else field_of(record, "reply.parent.uri"),
        line=line,
    )


BLUESKY = Format("bluesky", "Bluesky: Jetstream, feeds, records", _suits, _read)
