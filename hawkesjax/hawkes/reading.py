"""How a Hawkes fit is to be read, in the words of reports."""

from __future__ import annotations

from typing import Any

import numpy as np

from hawkesjax.core.reading import Reading
from hawkesjax.hawkes.data.panel import EventPanel
from hawkesjax.hawkes.effect_tests import effect_tests
from hawkesjax.hawkes.law import HawkesLaw
from hawkesjax.hawkes.plots import MOST

SAYS = (
    "Events come for two reasons. Some come by themselves, at a base rate. Others are set off by "
    "earlier events: each event raises the rate of others for a while, by an amount and for a time "
    "that are learned from the data."
)
LINKED = " Effects may also be negative: an event then lowers the rate for a while."
WORDS = {
    "mu": "base rate: events per unit of time that come by themselves",
    "mu_median": "base rate of a typical sequence",
    "mu_spread": "how much base rates differ between sequences (0: not at all)",
    "mu_mean": "average base rate over the window",
    "alpha": "effect, source -> target: how many events of the target one event of the source sets "
    "off directly, on average",
    "alpha_mean": "the same, averaged over the events that happened",
    "alpha_group": "the same, by group",
    "gamma": "how fast an effect fades, per unit of time: half is over after 0.69 / gamma",
    "half_life": "time after which half of an effect is over",
    "kappa": "how much stronger larger events are as sources",
    "beta": "log of the factor by which a feature changes the base rate",
    "summary": "Every number that was learned, with its uncertainty.",
    "effects": "Each effect against none. A small p (below 0.05) says that chance alone would "
    "hardly look like this; p is adjusted for the number of effects tried.",
    "spillover": "How many events one event sets off, by source and target.",
    "decay": "How long effects last.",
    "baseline": "The rate of events that come by themselves.",
    "shares": "The part of each kind of events that is due to each source.",
    "rate_ratios": "The factor by which each feature changes the base rate; 1 means no change.",
    "groups": "Effects by group of sequences.",
    "figure:parameters": "each number with its 95 % interval",
    "figure:trace": "the chains of draws; they should overlap and look like noise",
    "figure:intensity": "the rate of events over time as the model sees it, with the events below",
    "figure:residuals": "waiting times on the model's clock; dots on the line mean a good fit",
    "figure:network": "who sets off whom; grey and dashed where an effect is not told from none",
    "figure:kernels": "how an effect fades with time since the event",
}
SOURCES = (
    "Hawkes, A. G. (1971). Spectra of some self-exciting and mutually exciting point processes. "
    "Biometrika 58, 83-90.",
    "Ogata, Y. (1978). The asymptotic behaviour of maximum likelihood estimators for stationary "
    "point processes. Annals of the Institute of Statistical Mathematics 30, 243-261.",
)


def reading(model: HawkesLaw, values: Any, data: EventPanel) -> Reading:
    """What a fit says in words, with the tests of its effects."""
    tables, short = {}, []
    names, plain = data.mark_names, model.link == "identity"
    known = {name for name, _ in (*model.fixed, *model.tied)}
    if plain and "alpha" not in known and data.num_marks <= MOST and data.num_events:
        tables["effects"] = effect_tests(values, data, model=model)
        short = _short(tables["effects"], names)
    formula = [
        "rate of target i at time t = base rate mu[i]",
        "  + sum over earlier events k of alpha[source of k -> i] * gamma * exp(-gamma (t - t_k))",
    ]
    may = [
        "How many events of each kind one event sets off on average, and how long that lasts, "
        "with their intervals, as associations in time within these data.",
        "How the events divide into those that came by themselves and those that followed others, "
        "if the model holds.",
    ]
    return Reading(
        says=SAYS + ("" if plain else LINKED),
        formula=formula,
        short=short,
        words=WORDS,
        tables=tables,
        may=may,
        may_not=[
            "Which single event set off which other: attribution gives probabilities for each "
            "pair, not facts."
        ],
        sources=SOURCES,
    )


def _short(tests: Any, names: tuple[str, ...]) -> list[str]:
    """The effects that are told from none, largest first."""
    rows = tests.reset_index().iloc[1:]
    if tests.iloc[0]["p"] >= 0.05:
        return ["No effect of any event on later ones is told from chance in these data."]
    sure = rows[rows["p adjusted"] < 0.05].sort_values("alpha", ascending=False)
    if not len(sure):
        return ["Events affect later ones, but no single effect is told from chance by itself."]
    said = [
        f"100 events of {row['source']} set off about {_about(100 * row['alpha'])} events of "
        f"{row['target']} directly."
        for _, row in sure.head(4).iterrows()
        if np.isfinite(row["alpha"])
    ]
    return [f"{len(sure)} of {len(rows)} effects are told from chance:", *said]


def _about(value: float) -> str:
    """Two digits, without an exponent where there need be none: 150, not 1.5e+02."""
    return f"{float(f'{value:.2g}'):,g}"
