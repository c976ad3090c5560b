"""What was observed: event panels and their readers."""

from hawkesjax.data.panel import EventPanel
from hawkesjax.data.readers import read_events

__all__ = ["EventPanel", "read_events"]
