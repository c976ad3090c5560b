"""Models: parameters, log-intensity, compensator, simulation."""

from hawkesjax.models.hawkes import Hawkes
from hawkesjax.models.katz import CircularityWarning, KatzSpike, SaturationWarning
from hawkesjax.models.katz_prepared import PreparedActivity
from hawkesjax.models.katz_simulate import simulate_katz
from hawkesjax.models.kernels import PowerLaw, SumOfExponentials
from hawkesjax.models.prepared import PreparedPanel
from hawkesjax.models.retweet import RetweetHawkes
from hawkesjax.models.retweet_prepared import PreparedCascades
from hawkesjax.models.retweet_simulate import ExplosionWarning, simulate_retweet
from hawkesjax.models.simulate import simulate_hawkes
from hawkesjax.models.verbs import simulate

__all__ = [
    "CircularityWarning",
    "ExplosionWarning",
    "Hawkes",
    "KatzSpike",
    "PowerLaw",
    "PreparedActivity",
    "PreparedCascades",
    "PreparedPanel",
    "RetweetHawkes",
    "SaturationWarning",
    "SumOfExponentials",
    "simulate",
    "simulate_hawkes",
    "simulate_katz",
    "simulate_retweet",
]
