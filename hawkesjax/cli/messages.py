"""The files of the katz commands: a log of messages, or a network without times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hawkesjax.cli import options as o
from hawkesjax.cli.dialect import FileOptions
from hawkesjax.cli.groups import argument, group, option
from hawkesjax.cli.output import read_side


@group("The messages")
class Messages(FileOptions):
    """The log of messages, its columns, and the stretches of time in it."""

    log: Path = argument(f"{o.FILE}, one row per message.")
    usual: tuple[str, str] = option(
        ..., "Start and end of business as usual, numbers or dates; '-' for an open side."
    )
    spike: tuple[str, str] | None = option(
        None, "Start and end of the spike; found from the volume by default."
    )
    fit: tuple[str, str] | None = option(
        None, "Start and end of what is fitted; by default all after business as usual."
    )
    gaps: Path | None = option(None, o.GAPS_OF_ONE)
    bin: float = option(1.0, "Length of a bin, in the unit.")
    time: str = option("time", o.TIME)
    source: str = option("source", "Column of the user who acts.")
    target: str = option("target", "Column of the user whom the message names; may be empty.")
    kind: str | None = option(None, "Column of the messages' kinds.")
    edges: str | None = option(
        None,
        "Which way attention goes: 'reposts' (who reposts listens; the default with --kind), "
        "'messages' (who receives listens), 'attention', or a list such as RT=reposts,MT=messages; "
        "'both' for a network without times.",
    )
    weighted: bool | None = option(
        None,
        "Weigh an edge by its number of messages, or by the weight that the file gives it.",
    )
    self_loops: bool = option(False, "Keep messages to oneself as edges.")
    unit: str | None = option(None, o.UNIT)
    timezone: str | None = option(None, o.TIMEZONE, "ZONE")

    def activity(self, hj: Any, table: Any) -> Any:
        """Network and activity of a table that was read from the file, whole."""
        given = self._given()
        for name in ("log", *vars(self.dialect())):
            given.pop(name, None)
        roles = dict.fromkeys(("time", "source", "target", "kind")) | given
        return hj.Activity.from_messages(table, **roles, usual=(None, None))

    def read(self, hj: Any, **more: Any) -> Any:
        """Network and activity; `more` are arguments that replace those given."""
        given = self._given()
        return hj.read_messages(given.pop("log"), **(more | given))

    def _given(self) -> dict[str, Any]:
        given = {name: value for name, value in vars(self).items() if value is not None}
        for name in ("usual", "spike", "fit"):
            if name in given:
                given[name] = tuple(_edge(text) for text in given[name])
        if self.gaps is not None:
            given["gaps"] = o.gaps(self.gaps, None, self.dialect())
        if "=" in given.get("edges", ""):
            given["edges"] = _mapping(given["edges"])
        return given

    def followers(self, path: Path | None) -> Any:
        """Numbers of followers by user, from a table; None without one."""
        if path is None:
            return None
        names = ("user", "followers")
        frame = read_side(path, names, "user and followers", self.dialect(), labels=names[:1])
        return frame.set_index("user")["followers"]


@group("The messages")
class Weighed:
    """What a post is worth in the baselines, and in which components."""

    half_life: str | None = option(
        None,
        "Weigh posts by age (recommended): bins after which a post counts half, or 'learned' from "
        "how the bins before the spike predict later ones. Posts up to the spike count, or to the "
        "end of --usual without one.",
        "BINS|learned",
    )
    lead: int = option(0, "With --half-life: bins before the spike that are left out.", min=0)
    by_component: bool = option(
        False, "alpha* relative to the component that holds the activity, if another is louder."
    )

    def weigh(self, hj: Any, activity: Any, form: str) -> Any:
        """The activity with these baselines and weights."""
        if self.half_life is None and self.lead:
            raise ValueError("--lead goes with --half-life: give both, or neither.")
        if self.half_life is not None:
            given = o.number_or_text(self.half_life)
            activity = activity.recent(given, lead=self.lead)
        return hj.katz.by_component(activity, form=form) if self.by_component else activity


@group("The messages")
class Given:
    """A network without times."""

    baselines: str | None = option(
        None,
        "The file is a network without times (a list of edges, .mtx, .graphml): table of two "
        "columns, user and activity, or one number for all.",
        "FILE|NUMBER",
    )

    def read(self, hj: Any, messages: Messages) -> Any:
        """The network, with these baselines."""
        known = vars(messages)
        logged = [n for n in ("usual", "kind", "unit", "timezone") if known[n] is not None]
        if logged:
            raise ValueError(
                f"With --baselines the network has no times: leave --{logged[0]} out, or leave "
                f"--baselines out if the file is a log of messages."
            )
        names = ("edges", "weighted", "self_loops", *vars(messages.dialect()))
        given = {name: known[name] for name in names}
        return hj.read_network(
            messages.log, baselines=o.number_or_text(str(self.baselines)), **given
        )


def _edge(text: str) -> float | str | None:
    return None if text in ("-", "") else o.number_or_text(text)


def _mapping(text: str) -> dict[str, str | None]:
    pairs = [part.partition("=") for part in text.split(",")]
    return {
        name.strip(): None if way.strip().lower() in ("", "none") else way.strip().lower()
        for name, _, way in pairs
    }
