"""Checks of everything that users pass in: times, labels, files, windows."""
