"""Reports: all that a fit says, on one page."""
