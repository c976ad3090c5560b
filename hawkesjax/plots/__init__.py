"""Pictures. matplotlib is imported when one is drawn; every function returns its Figure.

Figures are made without pyplot, so none stays open behind your back: save one with
`figure.savefig("name.png")`; a notebook shows it after `%matplotlib inline`.
"""

from hawkesjax.plots import katz
from hawkesjax.plots.criticism import predictive, prior_posterior
from hawkesjax.plots.fits import intensity, residuals
from hawkesjax.plots.retweet import counts, drivers, infectivity, rescaled, scores
from hawkesjax.plots.spillover import fan, forecast, kernels, network
from hawkesjax.plots.tables import parameters, trace

__all__ = [
    "counts",
    "drivers",
    "fan",
    "forecast",
    "infectivity",
    "intensity",
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
