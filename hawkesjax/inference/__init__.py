"""Inference: maximum likelihood and NUTS, and what they return."""

from hawkesjax.inference.attribution import Attribution, attribution
from hawkesjax.inference.diagnostics import SamplingWarning
from hawkesjax.inference.estimate import Estimate, Result
from hawkesjax.inference.fit import ConvergenceWarning, fit
from hawkesjax.inference.hawkes_results import HawkesPosterior
from hawkesjax.inference.katz_results import KatzPosterior
from hawkesjax.inference.posterior import Posterior, load
from hawkesjax.inference.retweet_results import RetweetEstimate, RetweetPosterior
from hawkesjax.inference.retweet_two_stage import TwoStage, two_stage
from hawkesjax.inference.sample import sample

__all__ = [
    "Attribution",
    "ConvergenceWarning",
    "Estimate",
    "HawkesPosterior",
    "KatzPosterior",
    "Posterior",
    "Result",
    "RetweetEstimate",
    "RetweetPosterior",
    "SamplingWarning",
    "TwoStage",
    "attribution",
    "fit",
    "load",
    "sample",
    "two_stage",
]
