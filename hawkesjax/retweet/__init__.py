"""The retweet model, from its likelihood to its forecasts."""

from hawkesjax.retweet.data.cascades import Cascades
from hawkesjax.retweet.data.readers import read_cascades
from hawkesjax.retweet.forecast import RetweetForecast
from hawkesjax.retweet.hourly import hourly_posts
from hawkesjax.retweet.model import RetweetHawkes
from hawkesjax.retweet.population import CascadePopulation, ExtrapolationWarning
from hawkesjax.retweet.results import RetweetEstimate, RetweetPosterior
from hawkesjax.retweet.simulate import ExplosionWarning
from hawkesjax.retweet.sizes import SizeForecast
from hawkesjax.retweet.two_stage import TwoStage, two_stage

__all__ = [
    "CascadePopulation",
    "Cascades",
    "ExplosionWarning",
    "ExtrapolationWarning",
    "RetweetEstimate",
    "RetweetForecast",
    "RetweetHawkes",
    "RetweetPosterior",
    "SizeForecast",
    "TwoStage",
    "hourly_posts",
    "read_cascades",
    "two_stage",
]
