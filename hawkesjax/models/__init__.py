"""Models: parameters, log-intensity, compensator, simulation."""

from hawkesjax.models.hawkes import Hawkes
from hawkesjax.models.katz import CircularityWarning, KatzSpike, SaturationWarning
from hawkesjax.models.katz_prepared import PreparedActivity
from hawkesjax.models.katz_simulate import simulate_activity
from hawkesjax.models.kernels import PowerLaw, SumOfExponentials
from hawkesjax.models.prepared import PreparedPanel
from hawkesjax.models.simulate import simulate_hawkes
from hawkesjax.models.verbs import simulate

__all__ = [
    "CircularityWarning",
    "Hawkes",
    "KatzSpike",
    "PowerLaw",
    "PreparedActivity",
    "PreparedPanel",
    "SaturationWarning",
    "SumOfExponentials",
    "simulate",
    "simulate_activity",
    "simulate_hawkes",
]
