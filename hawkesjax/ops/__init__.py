"""Numerical primitives, each with one job. They know no models, no priors and no optimisers."""

from hawkesjax.ops.alike import alike
from hawkesjax.ops.choose import choose_form
from hawkesjax.ops.fixed import FixedForm
from hawkesjax.ops.increments import excitation_increments, mixture_increments
from hawkesjax.ops.lanes import LaneForm
from hawkesjax.ops.lineage import lineage
from hawkesjax.ops.mixture import MixtureForm
from hawkesjax.ops.pairs import PairForm
from hawkesjax.ops.perron import spectral_radius
from hawkesjax.ops.scan import ScanForm
from hawkesjax.ops.streams import Stream

__all__ = [
    "FixedForm",
    "LaneForm",
    "MixtureForm",
    "PairForm",
    "ScanForm",
    "Stream",
    "alike",
    "choose_form",
    "excitation_increments",
    "lineage",
    "mixture_increments",
    "spectral_radius",
]
