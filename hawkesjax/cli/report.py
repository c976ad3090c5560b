"""The report of a finished run, its pictures and files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hawkesjax.cli.session import table


def panel_line(panel: Any) -> str:
    """One line on what was read, and one for each remark."""
    counts = np.asarray(panel.counts).sum(axis=0)
    kinds = ", ".join(
        f"{count:,} {name}" for name, count in zip(panel.mark_names[:6], counts, strict=False)
    )
    more = f" and {panel.num_marks - 6} kinds more" if panel.num_marks > 6 else ""
    plural = "" if panel.num_sequences == 1 else "s"
    unit = f" {panel.unit}s" if panel.unit else ""
    origin = f", time 0 is {panel.origin}" if panel.origin else ""
    start, end = np.asarray(panel.start), np.asarray(panel.start) + np.asarray(panel.duration)
    one = len(start) and np.ptp(start) == 0 and np.ptp(end) == 0
    window = f"{start[0]:g} to {end[0]:g}{unit}" if one else "one of its own for each sequence"
    if len(panel.gaps):
        lost = float(panel.gaps.length.sum())
        window += f", less {len(panel.gaps):,} gaps of {lost:g}{unit} in all"
    past = f"; {len(panel.history):,} before it, given" if len(panel.history) else ""
    line = (
        f"{panel.num_events:,} events in {panel.num_sequences:,} sequence{plural}: {kinds}{more}; "
        f"window {window}{origin}{past}."
    )
    lines = [line]
    if panel.left_out:
        plural = "" if panel.left_out == 1 else "s"
        lines.append(f"{panel.left_out:,} event{plural} that no window saw, left out.")
    return "\n".join([*lines, *panel.remarks()])


def parameters(
    say: Callable[[str], None], frame: pd.DataFrame, truth: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Print the table of estimates, effects first, with the true values if they are known, and
    return it in full."""
    owners = np.array([str(label).split("[")[0] for label in frame.index])
    frame = frame.copy()
    if truth is not None:
        values = pd.Series(np.nan, frame.index)
        for name, value in truth.items():
            values[owners == name] = np.asarray(value, float).ravel()
        inside = (frame["2.5%"] <= values) & (values <= frame["97.5%"])
        frame.insert(0, "truth", values)
        place = list(frame.columns).index("97.5%") + 1
        frame.insert(
            place, "holds truth", np.where(inside, "yes", np.where(values.isna(), "", "NO"))
        )
    order = {"alpha": 0, "gamma": 1, "mu_median": 2, "mu_spread": 3, "mu": 4}
    ranks = np.array([order.get(owner, 5) for owner in owners])
    frame = frame.iloc[np.argsort(ranks, kind="stable")].rename_axis("parameter")
    say(table(frame))
    if truth is not None:
        known = frame[frame["holds truth"] != ""]
        held = int((known["holds truth"] == "yes").sum())
        say(
            f"{held} of {len(known)} intervals hold the truth "
            f"(about {0.95 * len(known):.0f} are expected of 95 % intervals)."
        )
    return frame


def residual_lines(tests: pd.DataFrame) -> list[str]:
    """Residual tests in words, one line per mark."""
    lines = ["Waiting times, rescaled by the fitted intensity, should be unit exponential:"]
    for mark, row in tests.loc["all"].iterrows():
        if mark == "all" or not row["events"]:
            continue
        figures = [f"mean {row['mean']:.3f}"]
        for what, name in (("Kolmogorov-Smirnov distance", "ks"), ("Anderson-Darling", "ad")):
            if np.isfinite(row[name]):
                digits = 3 if name == "ks" else 2
                figures.append(f"{what} {row[name]:.{digits}f} (p = {row[f'{name} p']:.2g})")
        lines.append(f"  {mark}: {', '.join(figures)}: {row['in words']}")
    return lines


def effect_lines(tests: pd.DataFrame) -> list[str]:
    """Tests of effects in words, those together first."""
    lines = [
        f"Each effect against none (score tests, p adjusted for {len(tests) - 1}; gain in nats):"
    ]
    for row in tests.reset_index().to_dict("records"):
        source, target = row["source"], row["target"]
        who = "any effect" if source == target == "any" else f"{source} -> {target}"
        p = row["p adjusted"]
        figures = f"gain {max(row['gain'], 0):.2f}, p {'< 0.001' if p < 0.001 else f'= {p:.2g}'}"
        lines.append(f"  {who}: {figures}: {row['in words']}")
    return lines


def effects(
    say: Callable[[str], None], hj: Any, model: Any, values: Any, panel: Any
) -> dict[str, pd.DataFrame]:
    """Tables of a Hawkes model's effects; those that are undefined are reported and left out."""
    sampled = hasattr(values, "posterior")
    known = ["spillover", "decay", "baseline", "shares", "bayes_factors"]
    names = known if sampled else []
    frames = {}
    for name in names + (["rate_ratios"] if "beta" in model.dims else []):
        try:
            frames[name] = getattr(values, name)()
        except ValueError as problem:
            say(f"No {name}.csv: {problem}")
    if sampled and "alpha_group" in values.posterior:
        frames["groups"] = values.group_effects()
    if sampled:
        try:
            causes = hj.attribution(values, panel, model=model, draws=100)
        except ValueError as problem:
            say(f"No attribution.csv, no causes.csv: {problem}")
        else:
            frames |= {"attribution": causes.shares(), "causes": causes.events()}
    return frames


def write_estimate(path: Path, estimate: Any, panel: Any) -> None:
    """An estimate as JSON; `hawkesjax simulate --params` reads it."""
    lists = ("mark_names", "sequence_names")
    names = {name: list(getattr(panel, name)) for name in lists if hasattr(panel, name)}
    content = {
        "result": estimate.result.value,
        "message": estimate.message,
        "log_likelihood": plain(estimate.log_likelihood),
        "aic": plain(estimate.aic),
        "bic": plain(estimate.bic),
        "num_events": estimate.num_events,
        "num_parameters": estimate.num_parameters,
        "model": estimate.config,
        "params": plain(estimate.params),
        "standard_errors": plain(estimate.standard_errors),
        "lower": plain(estimate.lower),
        "upper": plain(estimate.upper),
        **names,
        "unit": panel.unit,
    }
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def plain(value: Any) -> Any:
    """Nested lists, with null for what is not a finite number: JSON has no NaN."""
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    value = np.asarray(value, float).tolist() if not isinstance(value, list | float) else value
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value if np.isfinite(value) else None
