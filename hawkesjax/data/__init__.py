"""What was observed: event panels, features of time, networks with activity, and their readers."""

from hawkesjax.data.activity import Activity
from hawkesjax.data.covariates import Covariates
from hawkesjax.data.message_files import read_messages
from hawkesjax.data.messages import ActivityWarning
from hawkesjax.data.panel import EventPanel
from hawkesjax.data.readers import read_events

__all__ = [
    "Activity",
    "ActivityWarning",
    "Covariates",
    "EventPanel",
    "read_events",
    "read_messages",
]
