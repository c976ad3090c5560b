"""Pictures of the kept results: time against length, and speed-up over devices.

Run as ``python -m benchmarks.pictures``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.record import RESULTS

LIMITS = {
    "likelihood": ("o-", "value and gradient"),
    "four exponentials an event": ("s--", "four exponentials an event alone"),
    "one pass over the arrays": ("^:", "one pass over the arrays (memory)"),
}


def draw(folder: Path = RESULTS) -> list[Path]:
    """The pictures that a folder's records allow, written beside them."""
    made = {"growth": _growth, "devices": _devices}
    paths = []
    for name, picture in made.items():
        source = folder / f"{name}.json"
        if source.exists():
            figure = picture(json.loads(source.read_text()))
            paths.append(folder / f"{name}.png")
            figure.savefig(paths[-1], dpi=150)
    return paths


def _canvas(title: str, result: dict[str, Any]) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 5), layout="constrained")
    axis = figure.subplots()
    axis.set_title(f"{title}\n{result['machine']['processor']}, {result['date'][:10]}", fontsize=9)
    return figure, axis


def _growth(result: dict[str, Any]) -> Any:
    figure, axis = _canvas("Value and gradient, float64, CPU time of one core", result)
    models = dict.fromkeys(row["model"] for row in result["rows"])
    for number, model in enumerate(models):
        rows = [row for row in result["rows"] if row["model"] == model]
        for name, (style, label) in LIMITS.items():
            found = [(row["events"], 1e3 * row[name]) for row in rows if name in row]
            if found:
                text = f"{model}: {label}"
                axis.loglog(*zip(*found, strict=True), style, label=text, color=f"C{number}")
    axis.set_xlabel("events")
    axis.set_ylabel("milliseconds")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    return figure


def _devices(result: dict[str, Any]) -> Any:
    count = int(result["options"]["devices"])
    figure, axis = _canvas(f"{count} host devices against one", result)
    rows = result["rows"]
    axis.bar([row["case"] for row in rows], [row["ratio"] for row in rows], width=0.5)
    axis.axhline(count, color="0.4", linestyle="--", label=f"{count} times")
    axis.axhline(1, color="0.7", linewidth=0.8)
    axis.set_ylabel("times as fast")
    axis.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    for drawn in draw():
        print(drawn)
