"""Messages of the library to users of Python, translated to the command that runs."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextvars import ContextVar

# Parameters of the command that runs.
ASKED: ContextVar[frozenset[str]] = ContextVar("ASKED", default=frozenset())

VALUE = r"'[^']*'|\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|[+-]?\.?\d[\w.+-]*\b|\w+"
ARGUMENT = re.compile(rf"(?<![\w.=/\\-])(?P<name>[A-Za-z_]\w*)=(?!=)(?P<value>{VALUE})?")
SETTING = re.compile(r"(?P<verb>\b(?:[Rr]aise|[Gg]ive|[Tt]ake|[Pp]ass) )(?P<name>[a-z]+_[a-z_]+)\b")
QUOTED = r"(?<![\w=\[(,])'[^']*'(?!\w)"  # what users typed, and their data
# Terms that exist only in Python: arguments and settings without an option, calls, types, names.
PYTHON = re.compile(
    rf"{ARGUMENT.pattern}|\b[A-Za-z_][\w.]*\w\(|\b(?:pandas|pd|jax|hj|arviz)\.\w"
    r"|\w_names\b|\b(?:from|to)_\w+"
    r"|\b(?:[Rr]aise|[Gg]ive|[Tt]ake|[Pp]ass) [a-z]+_[a-z_]+\b"
    r"|\b(?:EventPanel|Cascades|Activity|Covariates|Hawkes|DataFrame)\b"
)
VERBS = "add|build|call|convert|declare|find|give|leave|make|name|pass|put|raise|read|set|take|use"
SENTENCE = re.compile(rf"(?<=[^.][.?!])\s+|(?<=[:;])\s+(?=(?:{VERBS})\b)")
ASIDE = re.compile(r"\s\([^()]*(?:\([^()]*\)[^()]*)*\)")
CLAUSE = re.compile(r"[,;]? or (?=[a-z])|; ")
ALIASES = {
    "num_chains": "chains",
    "num_warmup": "warmup",
    "num_samples": "draws",
    "ahead": "scored",
    "common_factor": "volume",
}
# What to do where no option helps, by what the library suggests.
INSTEAD = (
    (
        re.compile(r"to_datetime|Timestamp|origin=|start="),
        "Write the times of the file as dates, such as 2024-05-31T18:00:00Z.",
    ),
    (re.compile(r"Timedelta"), "Write them as numbers in one unit."),
    (re.compile(r"EventPanel\.from_arrays"), "Without a row there is nothing to work on."),
    (re.compile(""), "No option of this command changes that: change the file."),
)


def here(message: object) -> str:
    """A message in the terms of the command that runs."""
    return said(str(message), ASKED.get())


def said(message: str, options: Collection[str]) -> str:
    """A message in the terms of a command with these options.

    `early='drop'` becomes `--early drop` if the command has that option. Parts of a remedy that
    exist only in Python are left out; if nothing else is offered, the message says what to do
    instead.

    Args:
        message: as raised by the library: what is wrong, then what to do.
        options: names of the command's parameters.
    """
    kept: list[str] = []

    def token(found: re.Match[str]) -> str:
        words = _option(found, options) if found["name"] else found[0]
        if found["name"] and words == found[0]:
            return words
        kept.append(words)
        return f"\0{len(kept) - 1}\0"

    text = re.sub(f"{ARGUMENT.pattern}|{QUOTED}", token, message)
    text = SETTING.sub(lambda found: found["verb"] + _name(found["name"], options), text)
    text = ASIDE.sub(lambda found: "" if PYTHON.search(found[0]) else found[0], text)
    fact, *remedies = SENTENCE.split(text)
    out, lost = [ARGUMENT.sub(lambda at: f"{at['name']} {at['value'] or ''}".rstrip(), fact)], []
    for remedy in remedies:
        parts = CLAUSE.split(remedy)
        left = [part for part in parts if not PYTHON.search(part)]
        if len(left) < len(parts):
            lost += [] if left else [remedy]
            remedy = ", or ".join(left).rstrip(",;: ")
            remedy += "." if remedy and remedy[-1] not in ".?!" else ""
        if out[-1][-1:] in (":", ";") and not remedy:
            out[-1] = f"{out[-1][:-1]}."
        elif remedy:
            begins = out[-1][-1:] in ".?!" and parts[0] not in left  # with a later clause
            out.append(remedy[:1].upper() + remedy[1:] if begins else remedy)
    if lost and len(out) == 1:
        out.append(next(words for pattern, words in INSTEAD if pattern.search(lost[0])))
    return re.sub("\0(\\d+)\0", lambda found: kept[int(found[1])], " ".join(out))


def _name(name: str, options: Collection[str]) -> str:
    """The option of that name; the name itself if the command has none."""
    known = name if name in options else ALIASES.get(name, name)
    return f"--{known.replace('_', '-')}" if known in options else name


def _option(found: re.Match[str], options: Collection[str]) -> str:
    """An argument as an option, if the command has it."""
    name, value = found["name"], found["value"] or ""
    if name == "window" and value == "'sequence'" and "own_windows" in options:
        return "--own-windows"
    flag = _name(name, options)
    if flag == name:
        return found[0]
    if value.startswith("{"):
        value = re.sub(r"\s*:\s*", "=", value).replace(", ", ",")
    if value == "False":
        return f"--no-{flag.removeprefix('--')}"
    typed = re.sub(r"['()\[\]{}]", "", value).replace(", ", " ")
    return f"{flag} {'' if typed == 'True' else typed}".rstrip()
