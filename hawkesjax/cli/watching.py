"""katz watch: a log that is still being written, ranked at each bin."""

from __future__ import annotations

import time
import warnings
from typing import Annotated, Any

import numpy as np

from hawkesjax.cli import options as o
from hawkesjax.cli.groups import command, group, only, option, without
from hawkesjax.cli.messages import Messages
from hawkesjax.cli.rankings import Alpha, Listed
from hawkesjax.cli.session import Speaker, start, table
from hawkesjax.cli.words import here

STAR = (
    0.1  # alone, where fresh posts are weighted, the network moves the top by a twentieth at most
)


@group("The log")
class Watched:
    """How the log is followed."""

    half_life: str = option(
        "learned",
        "Bins after which a post counts half, or 'learned' from what the log holds at the start.",
        "BINS|learned",
    )
    every: float = option(1.0, "Seconds between two looks at the file.", min=0.0)
    until_idle: float | None = option(
        None,
        "End once the file has not grown for so many seconds; 0: rank what is there, and end.",
        "SECONDS",
        min=0.0,
    )


@command
def watch(
    messages: Annotated[Messages, without("usual", "spike", "fit", "gaps", usual=None)],
    watched: Watched,
    strength: Alpha,
    listed: Annotated[Listed, only("top", top=10)],
    run: Annotated[o.Run, only("quiet")],
) -> None:
    """Follow a log while it is being written, and rank its users after each bin.

    What is there at the start is read at once and ranked. Then each bin is ranked when a message of
    a later one comes, and the last one at the end. All messages so far make the network, posts
    count by their age, and users enter with their first message. The top is proven as in katz rank.
    Lines without an end wait for it; a log that is rotated or truncated is read on from its begin;
    messages more than a bin late are left out, and counted in a warning. Without --alpha-star and
    --alpha, alpha* is 0.1; while nobody can be reached from themselves, posts alone rank.

    ```
    hawkesjax katz watch log.csv --kind kind --unit second --bin 60
    hawkesjax katz watch log.csv --edges messages --bin 60 --half-life 64 --until-idle 600
    tail -f log.csv | hawkesjax katz watch - --edges reposts --bin 60 --half-life 64
    ```
    """
    hj = start(x64=True, device="cpu")
    screen = Screen(hj, Speaker(run.quiet), strength, listed.top)
    roles = {name: getattr(messages, name) for name in ("time", "source", "target", "kind")}
    log = hj.katz.follow(messages.log, **roles, **vars(messages.dialect()))
    half_life, live = o.number_or_text(watched.half_life), None
    if half_life == "learned" and log.tail.stream:
        raise ValueError("From standard input nothing can be learned beforehand: give --half-life.")
    idle = 0.0
    while not log.ended:
        try:
            new = log.read()
        except OSError as error:
            raise ValueError(f"{messages.log} cannot be read on: {error}.") from error
        if new is None:
            if watched.until_idle is not None and idle >= watched.until_idle:
                break
            if not log.tail.stream:
                time.sleep(watched.every if watched.until_idle != 0 else 0)
                idle += watched.every
            continue
        idle = 0.0
        if live is None:
            live = hj.katz.Live(messages.activity(hj, new), half_life=half_life)
            screen.begin(live)
        else:
            screen.take(live, new, roles)
    if log.partial:
        screen.warn("The last line has no end and is left out.")
    if live is None:
        raise ValueError(
            f"{messages.log} holds no message. Wait for it with a longer --until-idle."
        )
    screen.end(live)


class Screen:
    """What is printed: a line and a table for each bin."""

    def __init__(self, hj: Any, speaker: Speaker, strength: Alpha, top: int) -> None:
        self.hj, self.say, self.top = hj, speaker.say, top
        self.alpha = {name: value for name, value in vars(strength).items() if value is not None}
        self.alpha = self.alpha or {"alpha_star": STAR}
        self.ranks: dict[str, int] = {}
        self.counts = {"messages": 0, "users": 0}
        self.stale = False

    def warn(self, words: str) -> None:
        """A warning, on standard error."""
        warnings.warn(words, UserWarning, stacklevel=2)

    def begin(self, live: Any) -> None:
        """The log as it was found."""
        self.say(
            f"{live.num_users:,} users, {live.num_edges:,} edges, {live.num_bins:,} bins; "
            f"{live.recency}."
        )
        self.show(live)

    def take(self, live: Any, new: Any, roles: dict[str, Any]) -> None:
        """Messages that are new: each bin that they end is shown."""
        bins = live.bins(new, time=roles["time"])
        late = 0
        for number in np.unique(bins):
            if number >= live.num_bins and self.stale:
                self.show(live)
            part = type(new)(new.frame[bins == number], new.rows.at(np.flatnonzero(bins == number)))
            told = live.append(part, **roles, late="drop")
            late += told["late"]
            self.counts = {name: self.counts[name] + told[name] for name in self.counts}
            self.stale |= told["messages"] > 0
        if late:
            self.warn(f"{late:,} messages came more than a bin late and are left out.")

    def end(self, live: Any) -> None:
        """The last bin."""
        if self.stale:
            self.show(live)

    def show(self, live: Any) -> None:
        """The ranking as it is."""
        number = live.num_bins - 1
        try:
            ranking, how = live.rank(**self.alpha, top=self.top), ""
        except ValueError as error:
            if "reached from itself" not in str(error):
                raise ValueError(here(error)) from error
            ranking, how = live.rank(alpha=0.0, top=self.top), " by posts alone"
        news = f"{self.counts['messages']:,} messages, {self.counts['users']:,} new users; "
        news = news if self.stale else ""
        sure = "certain" if ranking.certified else "not certain"
        self.say(
            f"\nBin {number:,}, from {live.times(number)}: {news}{live.num_users:,} users, "
            f"{live.num_edges:,} edges. The top {len(ranking.table)}{how}, {sure}:"
        )
        shown = ranking.table[["user", "score", "baseline"]].copy()
        shown["before"] = [str(self.ranks.get(user, "-")) for user in shown["user"]]
        self.say(table(shown, self.top))
        self.ranks = {user: rank for rank, user in shown["user"].items()}
        self.counts, self.stale = dict.fromkeys(self.counts, 0), False
