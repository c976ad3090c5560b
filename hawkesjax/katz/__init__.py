"""Networks that spread a spike: steady states, rankings, and what they are worth.

`A[i, j] = 1` when user i listens to user j; the scores `(I - alpha A)^-1 b` say how active each
user will be once a spike has settled.
"""

from hawkesjax.katz.data.following import Follower, follow
from hawkesjax.katz.data.recency import Recency
from hawkesjax.katz.data.windows import detect_spike
from hawkesjax.katz.steady.backtest import KatzBacktest, backtest
from hawkesjax.katz.steady.by_component import by_component
from hawkesjax.katz.steady.decay import decay, half_life, implied_alpha_star
from hawkesjax.katz.steady.evaluation import KatzEvaluation, evaluate
from hawkesjax.katz.steady.live import Live
from hawkesjax.katz.steady.newcomers import Newcomers, newcomers
from hawkesjax.katz.steady.radius import Radius
from hawkesjax.katz.steady.solve import KatzWarning, Ranking, radius, rank, solve
from hawkesjax.katz.steady.sweep import sweep

__all__ = [
    "Follower",
    "KatzBacktest",
    "KatzEvaluation",
    "KatzWarning",
    "Live",
    "Newcomers",
    "Radius",
    "Ranking",
    "Recency",
    "backtest",
    "by_component",
    "decay",
    "detect_spike",
    "evaluate",
    "follow",
    "half_life",
    "implied_alpha_star",
    "newcomers",
    "radius",
    "rank",
    "solve",
    "sweep",
]
