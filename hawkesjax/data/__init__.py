"""What was observed: event panels, cascades, features of time, and their readers."""

from hawkesjax.data.cascades import Cascades
from hawkesjax.data.cascades_readers import read_cascades
from hawkesjax.data.covariates import Covariates
from hawkesjax.data.panel import EventPanel
from hawkesjax.data.readers import read_events

__all__ = ["Cascades", "Covariates", "EventPanel", "read_cascades", "read_events"]
