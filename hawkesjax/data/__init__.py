"""What was observed: event panels, cascades of posts and reposts, and their readers."""

from hawkesjax.data.cascades import Cascades
from hawkesjax.data.cascades_readers import read_cascades
from hawkesjax.data.panel import EventPanel
from hawkesjax.data.readers import read_events

__all__ = ["Cascades", "EventPanel", "read_cascades", "read_events"]
