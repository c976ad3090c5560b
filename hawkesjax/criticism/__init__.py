"""Does the model fit: residuals by time rescaling, and the intensity over time."""

from hawkesjax.criticism.intensity import intensity_at
from hawkesjax.criticism.residuals import residual_tests, residuals

__all__ = ["intensity_at", "residual_tests", "residuals"]
