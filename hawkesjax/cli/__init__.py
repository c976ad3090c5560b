"""The command line, a thin layer over the public names. jax is imported after option parsing."""

from hawkesjax.cli.app import main

__all__ = ["main"]
