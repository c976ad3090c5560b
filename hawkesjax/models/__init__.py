"""Models: parameters, log-intensity, compensator, simulation."""

from hawkesjax.models.hawkes import Hawkes
from hawkesjax.models.kernels import PowerLaw, SumOfExponentials
from hawkesjax.models.prepared import PreparedPanel
from hawkesjax.models.retweet import RetweetHawkes
from hawkesjax.models.retweet_prepared import PreparedCascades
from hawkesjax.models.retweet_simulate import ExplosionWarning, simulate_retweet
from hawkesjax.models.simulate import simulate_hawkes
from hawkesjax.models.verbs import simulate

__all__ = [
    "ExplosionWarning",
    "Hawkes",
    "PowerLaw",
    "PreparedCascades",
    "PreparedPanel",
    "RetweetHawkes",
    "SumOfExponentials",
    "simulate",
    "simulate_hawkes",
    "simulate_retweet",
]
