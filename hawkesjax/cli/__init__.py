"""The command line: thin, over the public names. jax is imported once options are known."""

from hawkesjax.cli.app import main

__all__ = ["main"]
