"""How a fit of the Katz spike model is to be read, in the words of reports."""

from __future__ import annotations

from typing import Any

from hawkesjax.core.reading import Reading
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.law import KatzLaw

WORDS = {
    "alpha": "how much one message heard raises a user's activity in the next bin",
    "alpha_star": "the same, relative to the network: below 1, activity settles; from 1 on it "
    "would grow without end",
    "shape": "how alike users are when nobody speaks to them: large when all are alike",
    "mean": "average activity of a user, per bin, when nobody speaks to them",
    "summary": "Every number that was learned, with its uncertainty.",
    "influence": "What hearing a message does.",
    "figure:parameters": "each number with its 95 % interval",
    "figure:trace": "the chains of draws; they should overlap and look like noise",
}


def reading(model: KatzLaw, values: Any, data: Activity) -> Reading:
    """What a fit says in words."""
    scaled = "b_i * (1 + alpha * messages heard)"
    added = "b_i + alpha * messages heard"
    rule = scaled if model.form_rule.multiplies else added
    return Reading(
        says="Users are active by themselves, each at a level of their own, and more so after "
        "those whom they listen to have been active.",
        formula=[f"activity of user i in the next bin = {rule}"],
        words=WORDS,
        may=[
            "How strongly activity follows the activity of those who are listened to, and whether "
            "it would settle.",
            "Who is likely to be active in a spike, as a ranking with its uncertainty.",
        ],
        may_not=[
            "That users persuade each other: friends who react to the same news look the same.",
            "Anything about users who are not in the network.",
        ],
        sources=(
            "Higham, Grindrod, Mantzaris, Otley and Laflin. Anticipating activity in social media "
            "spikes.",
        ),
    )
