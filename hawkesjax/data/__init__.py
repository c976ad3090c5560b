"""What was observed: event panels, features of time, and their readers."""

from hawkesjax.data.covariates import Covariates
from hawkesjax.data.panel import EventPanel
from hawkesjax.data.readers import read_events

__all__ = ["Covariates", "EventPanel", "read_events"]
