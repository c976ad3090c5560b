"""Figures. matplotlib is imported when one is drawn; every function returns its Figure.

Figures are made without pyplot, so none stays open behind your back: a notebook shows one that is
the value of a cell, and `figure.savefig("name.png")` keeps it. Those that are one axes take `ax=`.
Style sheets and dark themes are kept; colours of hawkesjax are used where the user has set none.
`interactive` makes of a figure one that tells values under the mouse.
"""

from hawkesjax.evaluation.pictures import count_series
from hawkesjax.hawkes.plots.effects import kernels, network
from hawkesjax.hawkes.plots.fits import intensity, residuals
from hawkesjax.hawkes.plots.forecasts import fan, forecast
from hawkesjax.hawkes.plots.predictive import predictive
from hawkesjax.katz import plots as katz
from hawkesjax.plotting.interactive import interactive
from hawkesjax.plotting.parameters import parameters, trace
from hawkesjax.plotting.prior_posterior import prior_posterior
from hawkesjax.retweet.plots import counts, drivers, infectivity, rescaled, scores

__all__ = [
    "count_series",
    "counts",
    "drivers",
    "fan",
    "forecast",
    "infectivity",
    "intensity",
    "interactive",
    "katz",
    "kernels",
    "network",
    "parameters",
    "predictive",
    "prior_posterior",
    "rescaled",
    "residuals",
    "scores",
    "trace",
]
