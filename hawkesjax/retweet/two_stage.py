"""The paper's two-stage estimator of the retweet kernel, for replication."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from hawkesjax.core.kept import Kept
from hawkesjax.core.model import as_model
from hawkesjax.inputs.arguments import Positive, checked
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.law import RetweetLaw
from hawkesjax.retweet.memory.kernel import kernel_integral
from hawkesjax.retweet.prepared import lengths_of, whole_cascades
from hawkesjax.retweet.swing import polar_of, wave


@dataclass(frozen=True, eq=False)
class TwoStage(Kept):
    """What `two_stage` found.

    Args:
        params: `p0` (P,), `r0`, `phi0`, `tau`.
        error: the error at them.
        windows: one row per post and window: post, time (its middle, since the window's start),
            reposts, exposure, p (their ratio).
    """

    params: dict[str, Any]
    error: float
    windows: pd.DataFrame

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table, by name."""
        return {"windows": self.windows}


@checked
def two_stage(
    model: RetweetLaw,
    data: Cascades,
    *,
    width: Positive | None = None,
    loss: Literal["L1", "L2"] = "L2",
    history: Literal["full", "window"] = "full",
) -> TwoStage:
    r"""Estimate p_i(t) in windows, then fit its curve to the estimates.

    First `p_iw = R_iw / sum_k d_k int_w psi(t - t_k) dt` for each post i and window w of 4 hours;
    then p0, r0, phi0 and tau are those that minimise

    .. math:: E = \sum_{i, w} |p_{iw} - p_i(t_w)|^q

    at the windows' middles, q = 1 or 2. For each (r0, phi0, tau) the best p0_i is known: a
    regression, or a weighted median; the three are searched by Nelder and Mead from a few starts.

    For replication only; `fit` is exact and needs no windows. Windows with one repost weigh as
    much as windows with thousands, and those with none pull p to 0 as surely as if they had been
    long; L1 ignores most of the late, sparse windows, L2 is ruled by the early ones. Both are
    biased, L1 in tau and L2 in phi0, and there are no intervals.

    Args:
        model: its theta, s0, period and `as_printed` are used.
        data: the cascades.
        width: length of the windows in the data's unit; a sixth of the period by default.
        loss: q = 1 or 2.
        history: `"full"`: all earlier events of the cascade count in a window's exposure;
            `"window"`: only the reposts within it, as in the paper's appendix, which inflates p
            (by a median of 3.9 on real cascades).

    Raises:
        ValueError: for an unknown name, a learned theta, or data without reposts in any window.

    Source: Pulido and Gomez (2024), arXiv 2402.03378, equation 13 and appendix; the windowed
    estimate is that of Kobayashi and Lambiotte (2016), TiDeH, ICWSM.
    """
    as_model(model).accept(data)
    if model.theta == "learned":
        raise ValueError("The two stages need a fixed theta.")
    _, period = lengths_of(model, data)
    width = period / 6 if width is None else width
    table = windows_of(model, data, width, history)
    if not bool(np.any(table["reposts"] > 0)):
        raise ValueError("No window has a repost: nothing can be fitted.")
    return curve_of(table, data, period, loss)


def curve_of(table: pd.DataFrame, data: Cascades, period: float, loss: str) -> TwoStage:
    """The second stage: the curve nearest to the windows' estimates."""
    post, time, seen = (table[name].to_numpy() for name in ("post", "time", "p"))
    age = time - np.asarray(data.post_times)[post]
    level = np.asarray(data.sentiment)[post]
    clock = time + float(data.start)
    bound = 1 / max(float(np.max(data.sentiment)), 1e-12)
    starts = np.searchsorted(post, np.unique(post))

    def within(u: float, v: float) -> np.ndarray:
        """The plane onto the disc of swings."""
        size = max(float(np.hypot(u, v)), 1e-300)
        return bound * np.tanh(size) / size * np.array([u, v])

    def curve(point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        u, v, log_tau = point
        shape = wave(within(u, v), level, clock, period) * np.exp(-age / np.exp(log_tau))
        if loss == "L2":
            top = np.add.reduceat(seen * shape, starts)
            best = top / np.maximum(np.add.reduceat(shape**2, starts), 1e-300)
        else:
            best = _medians(seen, shape, post, starts)
        return shape, best

    number = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(post))))

    def error(point: np.ndarray) -> float:
        shape, best = curve(point)
        gap = np.abs(seen - best[number] * shape)
        return float(np.sum(gap if loss == "L1" else gap**2))

    minima = []
    for days in (0.5, 3.0):
        for turn in (0.0, 0.25, 0.5, 0.75):
            angle = 2 * np.pi * turn
            start = np.array([0.3 * np.cos(angle), 0.3 * np.sin(angle), np.log(days * period)])
            options = {"maxiter": 600, "xatol": 1e-5, "fatol": 1e-12 * error(start)}
            minima.append(minimize(error, start, method="Nelder-Mead", options=options))
    best = min(minima, key=lambda minimum: minimum.fun)
    u, v, log_tau = best.x
    p0 = np.zeros(data.num_posts)
    p0[post[starts]] = curve(best.x)[1]
    r0, phi0 = polar_of(within(u, v), period)
    phi0 = float(np.mod(phi0, period))
    params = {"p0": p0, "r0": float(r0), "phi0": phi0, "tau": float(np.exp(log_tau))}
    return TwoStage(params, float(best.fun), table)


def windows_of(
    model: RetweetLaw, data: Cascades, width: float, history: str = "full"
) -> pd.DataFrame:
    """Reposts, exposure and their ratio for each post and whole window since the post, but those
    that meet a gap of the record."""
    s0, _ = lengths_of(model, data)
    kernel = float(model.theta), s0, model.tail
    stream = whole_cascades(data)
    ends = np.append(stream["first"][1:], len(stream["age"]))
    rows = []
    for i, (a, b) in enumerate(zip(stream["first"], ends, strict=True)):
        age, weight = stream["age"][a:b], stream["weight"][a:b]
        post, until = float(data.post_times[i]), float(data.until[i])
        first = int(np.ceil(max(-post, 0) / width - 1e-9))
        edges = width * np.arange(first, np.floor((until - post) / width + 1e-9) + 1)
        if len(edges) < 2:
            continue
        low, high = edges[:-1, None], edges[1:, None]
        reach = kernel_integral(high - age, *kernel) - kernel_integral(low - age, *kernel)
        if history == "window":
            reach *= (age >= low) & (np.arange(len(age)) > 0)
        place = np.searchsorted(edges, age[1:], side="right") - 1
        place = place[(place >= 0) & (place < len(edges) - 1)]
        columns = {
            "post": i,
            "time": post + (edges[:-1] + edges[1:]) / 2,
            "reposts": np.bincount(place, minlength=len(edges) - 1),
            "exposure": reach @ weight,
        }
        seen = ~data.gaps.meets(edges[:-1] + post, edges[1:] + post)
        rows.append(pd.DataFrame(columns)[seen])
    if not rows:
        raise ValueError(f"No post was observed for a whole window of {width:g}.")
    table = pd.concat(rows, ignore_index=True)
    table = table.loc[table["exposure"] > 0].reset_index(drop=True)
    table["p"] = table["reposts"] / table["exposure"]
    return table


def _medians(p, shape, post, starts) -> np.ndarray:
    """For each post the p0 that minimises `sum |p - p0 shape|`: a weighted median of ratios."""
    ratio = p / shape
    order = np.lexsort((ratio, post))
    weight = np.cumsum(shape[order])
    ends = np.append(starts[1:], len(post)) - 1
    below = weight[ends] - np.add.reduceat(shape, starts)
    middle = (below + weight[ends]) / 2
    return ratio[order][np.clip(np.searchsorted(weight, middle), starts, ends)]
