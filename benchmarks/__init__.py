"""Measurements of what users feel; see README.md beside this file."""
