"""How a fit to posts and reposts is to be read, in the words of reports."""

from __future__ import annotations

from typing import Any

from hawkesjax.core.reading import Reading
from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.law import RetweetLaw

WORDS = {
    "beta": "log of the factor by which a feature of time changes the rate of posts",
    "tau": "how long a post stays worth reposting, in units of time",
    "swing": "the daily rhythm of the chance of a repost",
    "r0": "size of the daily rhythm",
    "phi0": "its place in the day",
    "p0_mean": "chance that one follower reposts a fresh post, on average over posts",
    "p0_shape": "how alike the posts are: large when all are equally infectious",
    "theta": "how slowly people react: the smaller, the longer the wait may be",
    "summary": "Every number that was learned, with its uncertainty.",
    "rate_ratios": "The factor by which each feature changes the rate of posts; 1 means no change.",
    "rhythm": "When in the day reposts are most likely.",
    "lifetime": "How long posts live.",
    "figure:parameters": "each number with its 95 % interval",
    "figure:trace": "the chains of draws; they should overlap and look like noise",
    "figure:infectivity": "how readily a post is reposted as it ages",
    "figure:drivers": "what raises or lowers the rate of posts",
    "figure:residuals": "waiting times on the model's clock; dots on the line mean a good fit",
}


def reading(model: RetweetLaw, values: Any, data: Cascades) -> Reading:
    """What a fit says in words."""
    return Reading(
        says="Posts come at a rate that depends on the time (its features). Each post is reposted "
        "by followers who see it, less and less as it ages, more at some hours than at others; "
        "reposts bring in the followers of those who repost.",
        formula=[
            "rate of posts at time t = exp(beta . features(t))",
            "rate of reposts of post i = p_i(t) * sum over its posts and reposts of "
            "followers * reaction time",
            "p_i(t) = p0_i * (daily rhythm) * exp(-(age) / tau)",
        ],
        words=WORDS,
        may=[
            "Which features of time go with more posts, and by what factor.",
            "How long posts live, and when in the day they are reposted most.",
        ],
        may_not=[
            "Why a post spreads: p0 says how readily, not for what reason.",
            "How many people saw a post: followers are an upper limit of the reach, not the reach.",
        ],
        sources=(
            "Pulido and Gomez (2024). arXiv 2402.03378.",
            "Zhao, Q. et al. (2015). SEISMIC: a self-exciting point process model for predicting "
            "tweet popularity. KDD 2015.",
        ),
    )
