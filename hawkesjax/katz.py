"""Networks that spread a spike: steady states, rankings, and what they are worth.

`A[i, j] = 1` when user i listens to user j; the scores `(I - alpha A)^-1 b` say how active each
user will be once a spike has settled.
"""

from hawkesjax.criticism.katz_decay import decay, half_life, implied_alpha_star
from hawkesjax.criticism.katz_evaluation import KatzEvaluation, evaluate
from hawkesjax.criticism.katz_sweep import sweep
from hawkesjax.data.spike import detect_spike
from hawkesjax.ops.katz_radius import Radius
from hawkesjax.ops.katz_solve import KatzWarning, Ranking, radius, rank, solve

__all__ = [
    "KatzEvaluation",
    "KatzWarning",
    "Radius",
    "Ranking",
    "decay",
    "detect_spike",
    "evaluate",
    "half_life",
    "implied_alpha_star",
    "radius",
    "rank",
    "solve",
    "sweep",
]
