"""What a format is: how its files are told from others, and what it reads from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.inputs.checks import Rows
from hawkesjax.inputs.dialect import Dialect
from hawkesjax.inputs.files import OBJECTS, TEXT, Content, text_of
from hawkesjax.inputs.objects import read_objects
from hawkesjax.inputs.tables import columns_in
from hawkesjax.inputs.text import text_table


@dataclass(frozen=True)
class Source:
    """A file whose format is sought, or known: its content, and what lies beside it.

    Args:
        content: what it holds.
        dialect: how it is written.
        beside: the content of another file in its folder by name, None where there is none.
    """

    content: Content
    dialect: Dialect
    beside: Callable[[str], Content | None] = field(repr=False)

    @property
    def name(self) -> str:
        """What messages call the file."""
        return self.content.name

    @property
    def is_text(self) -> bool:
        """Whether it is a text with separators."""
        return self.content.kind == TEXT

    @property
    def plain(self) -> Dialect:
        """The dialect without what is done to names, which comes last."""
        return replace(self.dialect, fold=False, pseudonyms=None)

    @cached_property
    def text(self) -> bytes:
        """A text in UTF-8."""
        return text_of(self.content, self.dialect)

    @cached_property
    def first(self) -> str:
        """The first line of a text."""
        return self.text.split(b"\n", 1)[0].decode().strip() if self.is_text else ""

    @cached_property
    def columns(self) -> list[str]:
        """Columns of a table; none of what is no table."""
        try:
            if not self.is_text:
                return columns_in(self.content, self.dialect)
            tabbed = self.content.tabbed
            return text_table(self.name, self.text, self.dialect, (), tabbed).columns
        except ValueError:
            return []

    @cached_property
    def objects(self) -> tuple[list[dict[str, Any]], np.ndarray]:
        """Objects of JSON and their lines; none of what is no JSON."""
        if self.content.kind != OBJECTS:
            return [], np.zeros(0, np.int64)
        return read_objects(self.name, self.text)

    @property
    def example(self) -> dict[str, Any]:
        """The first object."""
        return self.objects[0][0] if self.objects[0] else {}


@dataclass(frozen=True)
class Post:
    """A post or repost as it was found; None for what is not known.

    Args:
        id: its identifier.
        time: as the file has it.
        followers: of its author.
        repost_of, quote_of, reply_to: identifiers of the post that it reposts, quotes, answers.
        original_time, original_followers: of that post, where the record describes it.
        line: of the file.
    """

    id: Any
    time: Any
    followers: Any = None
    repost_of: Any = None
    quote_of: Any = None
    reply_to: Any = None
    original_time: Any = None
    original_followers: Any = None
    line: int = 0


@dataclass(frozen=True)
class Posts:
    """Posts and reposts in calendar time.

    Args:
        found: all of them, in the order of the file.
        others: records that are neither, such as likes.
    """

    found: list[Post]
    others: int = 0


@dataclass(frozen=True)
class Ages:
    """Cascades whose times are seconds since their posts.

    Args:
        frame: columns cascade, time, and where they are known followers and start, one row per
            post and repost; start is that of the row's cascade.
        rows: how messages call them.
        start_in: what the column start counts: "days" of an unknown calendar, or "seconds" since
            1970.
    """

    frame: pd.DataFrame
    rows: Rows
    start_in: str = "days"


@dataclass(frozen=True)
class Format:
    """One way in which files of posts are written.

    Args:
        name: by which users ask for it.
        title: what it is.
        suits: whether a file is surely of this format.
        read: its posts; raises a ValueError that names the line of what is missing.
    """

    name: str
    title: str
    suits: Callable[[Source], bool]
    read: Callable[[Source], Posts | Ages]


def each(source: Source) -> Iterator[tuple[dict[str, Any], int]]:
    """Every object of a file with its line."""
    objects, lines = source.objects
    yield from zip(objects, lines.tolist(), strict=True)


def lacking(source: Source, line: int, what: str, remedy: str) -> ValueError:
    """The error for a record without a field."""
    return ValueError(f"{source.name}, line {line}: {what}. {remedy}")
