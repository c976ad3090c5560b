"""Models: parameters, log-intensity, compensator, simulation."""

from hawkesjax.models.hawkes import Hawkes
from hawkesjax.models.kernels import PowerLaw, SumOfExponentials
from hawkesjax.models.prepared import PreparedPanel
from hawkesjax.models.simulate import simulate_hawkes
from hawkesjax.models.verbs import simulate

__all__ = [
    "Hawkes",
    "PowerLaw",
    "PreparedPanel",
    "SumOfExponentials",
    "simulate",
    "simulate_hawkes",
]
