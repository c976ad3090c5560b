"""EventPanel, and how it is filled."""
