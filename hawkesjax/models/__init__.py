"""Models: parameters, log-intensity, compensator, simulation."""

from hawkesjax.models.hawkes import Hawkes
from hawkesjax.models.prepared import PreparedPanel
from hawkesjax.models.simulate import simulate

__all__ = ["Hawkes", "PreparedPanel", "simulate"]
