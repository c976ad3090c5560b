"""What was observed: event panels, networks with activity, features of time, and their readers."""

from hawkesjax.data.activity import Activity
from hawkesjax.data.cascades import Cascades
from hawkesjax.data.cascades_readers import read_cascades
from hawkesjax.data.covariates import Covariates
from hawkesjax.data.message_files import read_messages
from hawkesjax.data.messages import ActivityWarning
from hawkesjax.data.panel import EventPanel
from hawkesjax.data.readers import read_events

__all__ = [
    "Activity",
    "ActivityWarning",
    "Cascades",
    "Covariates",
    "EventPanel",
    "read_cascades",
    "read_events",
    "read_messages",
]
