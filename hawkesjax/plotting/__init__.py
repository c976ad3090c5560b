"""The style of every figure, and the figures that need no model."""
