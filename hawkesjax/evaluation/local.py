"""A calendar that forgets, with a level and hours of the last days; its intervals are calibrated on
the forecasts that it would have made."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import optimize, special

from hawkesjax.evaluation.counts import CountForecast, held_shares
from hawkesjax.evaluation.forecasters import HOURS, calendar_of, hour_of_week, poisson_map
from hawkesjax.evaluation.past import Past

DAY = pd.Timedelta(days=1)
SPANS = 8  # half-lives after which a bin says nothing about the last days
LEAST = 14  # days of training before the first forecast that intervals are calibrated on


@dataclass(frozen=True)
class LocalCalendar:
    half_life: float = 56.0
    local_half_life: float = 3.0
    cell_sd: float = 0.1
    feature_sd: float = 0.5
    local_sd: float = 0.2
    local_hour_sd: float = 0.05
    clip: float = 2.0
    origins: int = 8
    prior: float = 24.0

    def __call__(self, past: Past) -> CountForecast:
        told = self._law(past)
        held = self._held(past)
        return replace(told, held=held)

    def _law(self, past: Past) -> CountForecast:
        y, ages = past.counts, _ages(past)
        weights = np.exp2(-ages / self.half_life)
        varies = np.ptp(past.features, axis=0) > 0
        hours = np.r_[hour_of_week(past.index), hour_of_week(past.ahead)]
        features = np.concatenate([past.features, past.features_ahead])[:, varies]
        rows, code = np.unique(np.c_[hours, features], axis=0, return_inverse=True)
        kinds = rows[:, 0].astype(int)
        design = np.concatenate([calendar_of(kinds), rows[:, 1:]], axis=1)
        sds = np.repeat(
            [np.inf, 1.0, 1.0, self.cell_sd, self.feature_sd],
            [1, 7, 24, HOURS, int(varies.sum())],
        )
        own, ahead = code[: len(y)], code[len(y) :]
        size, means = np.inf, np.full(len(rows), np.average(y, weights=weights))
        for turn in range(3):
            mine = means[own]
            shown = y if turn == 0 else clipped(y, mine, size, self.clip)
            scale = 1 / (1 + mine / size)
            means = np.exp(design @ _effects(design, own, shown, weights * scale, 1.0, sds))
            size = likely_size(y, means[own], weights)
        near = ages <= SPANS * self.local_half_life
        weights = np.exp2(-ages[near] / self.local_half_life)
        y, own = y[near], own[near]
        mine = means[own]
        size = likely_size(y, mine, weights)
        local = np.concatenate([np.ones((len(rows), 1)), np.eye(24)[kinds % 24]], axis=1)
        sds = np.repeat([self.local_sd, self.local_hour_sd], [1, 24])
        shown = clipped(y, mine, size, self.clip)
        effects = _effects(local, own, shown, weights / (1 + mine / size), mine, sds)
        means = means * np.exp(local @ effects)
        size = likely_size(y, means[own], weights)
        law = CountForecast(means[ahead], size)
        return law

    def _held(self, past: Past):
        bins, total = len(past.ahead), len(past.counts)
        first = int(np.searchsorted(past.index, past.index[0] + LEAST * DAY))
        block = min(bins, total - first)
        if block < 1:
            return None
        stride = max(1, bins // 2)
        cuts = [c for c in range(total - block, first - 1, -stride)][: self.origins]
        told, seen = [], []
        for cut in cuts:
            stop = min(cut + block, total)
            inner = Past(past.counts[:cut], past.index[:cut], past.index[cut:stop],
                         past.features[:cut], past.features[cut:stop], past.feature_names)
            told.append(self._law(inner)); seen.append(past.counts[cut:stop])
        return held_shares(told, seen, prior=self.prior)


def _ages(past):
    return np.asarray((past.ahead[0] - past.index) / DAY, np.float64)


def clipped(y, mean, size, clip):
    sd = np.sqrt(mean + mean**2 / size)
    return np.clip(y, np.maximum(mean - clip * sd, 0), mean + clip * sd)


def _effects(design, code, counts, weights, exposure, sds):
    total = np.bincount(code, weights * counts, len(design))
    size = np.bincount(code, weights * exposure, len(design))
    kept = size > 0
    total, size = total[kept], size[kept]
    if not total.sum() > 0 and np.isfinite(sds).all():
        total = total + 1e-9
    return poisson_map(design[kept], total, precision=sds**-2.0, exposure=size)


def likely_size(counts, means, weights):
    means = np.maximum(means, 1e-12)

    def loss(log_size):
        s = np.exp(log_size)
        terms = special.gammaln(counts + s) - special.gammaln(s) - (counts + s) * np.log1p(means / s)
        return -weights @ (terms + counts * (np.log(means) - log_size))

    found = optimize.minimize_scalar(loss, bounds=(np.log(1e-2), np.log(1e5)), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(found.x))
