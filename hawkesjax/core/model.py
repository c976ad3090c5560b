"""The contract: what a model is, and all that follows from it."""

from __future__ import annotations

import abc
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Generic, TypeVar

import jax
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from hawkesjax.core.choices import check_choices
from hawkesjax.core.compiled import likelihood_inside
from hawkesjax.core.information import Solved
from hawkesjax.core.parameter import Parameter, Params, edges_of, starts_of
from hawkesjax.core.priors import as_json, chosen, restored
from hawkesjax.core.program import run
from hawkesjax.core.reading import Reading
from hawkesjax.core.structure import Structure, checked_structure, structure_of
from hawkesjax.core.supports import check_prior
from hawkesjax.inputs.arguments import Range, article
from hawkesjax.inputs.arrays import AnyArray, HostArray
from hawkesjax.inputs.html import settings
from hawkesjax.plotting.parameters import parameters, trace

Data = TypeVar("Data")
EstimateT = TypeVar("EstimateT")
PosteriorT = TypeVar("PosteriorT")
VERBS = ("simulate", "forecast", "residuals", "evaluate", "predictive_check", "attribution")
Masks = dict[str, HostArray]


@dataclass(frozen=True)
class Model(abc.ABC, Generic[Data, EstimateT, PosteriorT]):
    """A probability model of event data. Subclass it with the members below, and `fit`, `sample`
    and the tables work; add the verbs that make sense for it.

    A subclass is a frozen dataclass whose fields are its settings::

        @dataclass(frozen=True)
        class Poisson(hj.Model[EventPanel, hj.Estimate, hj.Posterior]):
            name = "poisson"

    Required are: `parameters`, the table from which axes, shapes, priors, starting values,
    boundaries, the configuration and the numpyro program follow; `prepare`; `log_likelihood`;
    and, where parameters have axes, `coords` and `sizes`. All other members have defaults that are
    right for a model without that feature.

    Args:
        priors: `"default"`, another name of `named_priors`, or a dict from parameter names to
            numpyro distributions; parameters left out keep their default.
        fixed: known values, a dict from parameters to a number or an array in the parameter's
            shape, NaN (or None) where an entry is learned. Fixed entries have no prior and no
            standard error, and do not count as parameters.
        tied: entries that share one value, a dict from parameters to `"all"`, `"off-diagonal"` or
            `"symmetric"` (of pairs), or to an array of labels in the parameter's shape, NaN where
            an entry stands alone; the prior of a shared value is that of the label's first entry.

    Raises:
        ValueError: for priors of parameters that the model does not sample or that extend beyond
            the parameter's support, for fixed values outside it, and for a setting of a `Literal`
            type that is not one of its values.
    """

    priors: Any = field(default="default", kw_only=True)
    fixed: Any = field(default=None, kw_only=True)
    tied: Any = field(default=None, kw_only=True)

    name: ClassVar[str]
    named_priors: ClassVar[tuple[str, ...]] = ("default",)
    unsaved: ClassVar[tuple[str, ...]] = ()  # settings that do not affect results
    elsewhere: ClassVar[Mapping[str, str]] = {}  # verb or figure -> what to use instead
    joint: ClassVar[str | None] = None  # the parameter whose intervals `joint_intervals` gives
    data_type: ClassVar[type]
    estimate_type: ClassVar[type]
    posterior_type: ClassVar[type]
    known: ClassVar[dict[str, type[Model]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        jax.tree_util.register_static(cls)
        for base in getattr(cls, "__orig_bases__", ()):
            if typing.get_origin(base) is Model:
                cls.data_type, cls.estimate_type, cls.posterior_type = typing.get_args(base)
        if "name" in vars(cls):
            Model.known[cls.name] = cls

    def __post_init__(self) -> None:
        """Check literal settings, and `priors` against the table, and make these hashable; a
        subclass that extends this method calls it last."""
        check_choices(self)
        ranges = {one.name: one.range for one in self.parameters}
        found = checked_structure(self.fixed, self.tied, ranges)
        for name, value in zip(("fixed", "tied"), found, strict=True):
            object.__setattr__(self, name, value)
        if isinstance(self.priors, Mapping):
            names = [parameter.name for parameter in self.parameters]
            unknown = set(self.priors) - set(names)
            if unknown:
                raise ValueError(
                    f"priors name {sorted(unknown)}, which this model does not sample; "
                    f"it samples {names}."
                )
            for parameter in self.parameters:
                prior = self.priors.get(parameter.name)
                if isinstance(prior, dist.Distribution):
                    check_prior(parameter.name, prior, parameter.range)
            object.__setattr__(self, "priors", tuple(sorted(self.priors.items())))
        elif isinstance(self.priors, str) and self.priors not in self.named_priors:
            raise ValueError(
                f"priors is {self.priors!r}; the named ones are {', '.join(self.named_priors)}."
            )

    # What a model must define

    @property
    @abc.abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """The table of the sampled parameters."""

    @abc.abstractmethod
    def prepare(self, data: Any, *, dtype: Any = None) -> Any:
        """Data laid out for the device, a pytree with `num_events` and `dtype`; prepared data
        come back as they are."""

    @abc.abstractmethod
    def log_likelihood(self, params: Params, data: Any) -> Float[Array, ""]:
        """The log-likelihood, pure and differentiable in `params`; data raw or prepared."""

    # What a model may define

    def laid_out(self, data: Data, dtype: Any = None) -> Any:
        """`prepare` for `fit` and `sample`: in few sizes, where data can be filled up."""
        return self.prepare(data, dtype=dtype)

    def alike(self, data: Sequence[Data]) -> list[Any]:
        """Several data sets laid out so that they share compilations, where they can."""
        return [self.prepare(one) for one in data]

    def detected(self, estimate: Any) -> dict[str, HostArray]:
        """Of parameters whose 0 means no effect, by name: whether an estimate tells each entry from
        0 at 5 %; by default of those on the whole line, whether the interval leaves 0 out."""
        return {
            name: (estimate.lower[name] > 0) | (estimate.upper[name] < 0)
            for name, support in self.supports.items()
            if name in estimate.params and support == Range()
        }

    def divisible(self, prepared: Any, parts: int) -> Any | None:
        """Prepared data that so many devices (a power of 2) can share; None where one alone can."""
        return prepared

    def coords(self, data: Data) -> dict[str, list[str]]:
        """Names along each axis."""
        return {}

    def sizes(self, data: Any) -> dict[str, int]:
        """Length of each axis; data raw or prepared."""
        return {}

    def check(self, data: Any) -> None:
        """The checks of the data by `fit` and `sample` before any computation."""
        self.accept(data)

    def observed(self, data: Data) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """The events, for ArviZ's observed_data."""
        return {}

    def constant(self, data: Data) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """What is given besides the events, for ArviZ's constant_data."""
        return {}

    @property
    def derived_dims(self) -> dict[str, tuple[str, ...]]:
        """Axes of the quantities that `derived` gives."""
        return {}

    def derived(self, params: Params, data: Any) -> dict[str, AnyArray]:
        """Positive quantities in tables; each entry depends on at most one entry of `local`."""
        return {}

    def pointwise(self, params: Params, data: Data, by: str) -> Float[Array, " terms"]:
        """The log-likelihood in terms that sum to it, of one of the kinds of `pointwise_sizes`."""
        raise ValueError(f"{type(self).__name__} has no pointwise terms.")

    def pointwise_sizes(self, data: Data) -> dict[str, int]:
        """Number of terms of each kind of `pointwise`, finest first; empty if there are none."""
        return {}

    def settled(self, data: Data, dtype: Any = None) -> tuple[Any, str, int]:
        """The model with the settings that `fit` learns, a sentence on them, their number."""
        return self, "", 0

    def marginal(self) -> Model:
        """The model whose likelihood `fit` maximises: this one, or one with the entries of `local`
        integrated out, and absent from its parameters and derived quantities."""
        return self

    def latent(self, params: Params, data: Any) -> dict[str, Array]:
        """The conditional mode, given the rest, of what `marginal` integrates out."""
        return {}

    def log_likelihood_inside(self, params: Params, data: Any) -> Float[Array, ""]:
        """The log-likelihood where no parameter is 0: used by searches and chains."""
        return self.log_likelihood(params, data)

    def log_density(self, params: Params, data: Any) -> Float[Array, ""]:
        """The log-likelihood, plus the log density of what `marginal` integrates out."""
        return likelihood_inside(self, params, data)

    def without_effects(self, data: Any) -> tuple[float, int] | None:
        """The largest log-likelihood of the model without any effect of one event on another, and
        its number of parameters, where these are known without a search; data prepared."""
        return None

    def remarks(self, draws: Params, data: Data) -> list[str]:
        """Sentences that results repeat: what should not be overlooked in the values (with an axis
        of draws, in which 0 stands for what lies on a boundary), or means nothing for such data."""
        return []

    def reading(self, values: Any, data: Data) -> Reading:
        """How an estimate or a posterior is to be read, for reports."""
        return Reading()

    def starts(self, data: Any) -> list[dict[str, Array]]:
        """Starting values of the search for a maximum, of which the best is used (NaN: the middle
        of the support); data prepared."""
        return [starts_of(self.parameters, self.shapes(data), data)]

    def solved(self, data: Any, tol: float) -> Solved | None:
        """The global maximum by a method of the model's own, if it has one, with derivatives of at
        most `tol` per event; data prepared."""
        return None

    def unrestricted(self) -> typing.Self:
        """The same model without constraints that join parameters, in whose coordinates intervals
        are computed."""
        return self

    def joint_intervals(
        self, params: Params, data: Any, slope: Any, curvature: Any
    ) -> dict[str, tuple[Any, Any, Any]]:
        """Standard errors and interval ends of the parameter named `joint`, whose entries share
        one support, and of quantities derived from it; `slope` and (negative) `curvature` of the
        log-likelihood in its entries, the others maximised out; data prepared."""
        return {}

    def at_boundary(self, params: Params, data: Any) -> Masks:
        """Masks of parameters on the boundary of their support or of what the data can show."""
        return edges_of(self.parameters, self.sites(data), params, data)

    def dense_mass(self, data: Any) -> list[tuple[str, ...]] | bool:
        """Parameters whose correlations NUTS should learn."""
        return False

    @property
    def can_vanish(self) -> bool:
        """Whether the likelihood may be 0 inside the supports."""
        return False

    @property
    def local(self) -> str | None:
        """The parameter whose entries do not interact given all others: a diagonal Hessian."""
        return None

    def blocks(self, data: Any) -> dict[str, np.ndarray | None]:
        """Group of each entry of a parameter and of what `derived` gives: those of different groups
        do not interact; None, and names left out: with all (`local`: with the first group)."""
        return {}

    # What follows from these

    @property
    def dims(self) -> dict[str, tuple[str, ...]]:
        """Names of the axes of each parameter, sampled or derived."""
        return {one.name: one.dims for one in self.parameters} | self.derived_dims

    @property
    def supports(self) -> dict[str, Range]:
        """Support of each parameter, against which values from outside are checked."""
        return {one.name: one.range for one in self.parameters}

    def shapes(self, data: Any) -> dict[str, tuple[int, ...]]:
        """Shape of each sampled parameter; data raw or prepared."""
        sizes = self.sizes(data)
        return {
            one.name: tuple(sizes[dim] for dim in one.dims)
            for one in self.parameters
            if one.present(data)
        }

    def structures(self, data: Any) -> dict[str, Structure]:
        """How the entries of parameters with fixed or tied entries follow from the free ones."""
        return self.structures_of(self.shapes(data))

    def structures_of(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Structure]:
        """The same for parameters of these shapes."""
        fixed, tied = dict(self.fixed), dict(self.tied)
        found = {
            name: structure_of(name, shape, fixed.get(name), tied.get(name))
            for name, shape in shapes.items()
        }
        return {name: one for name, one in found.items() if one is not None}

    def sites(self, data: Any) -> dict[str, dist.Distribution]:
        """The prior of each parameter, fixed or not; data prepared."""
        return chosen(self, data)

    def conditioned(self, name: str, prior: Any, params: Params) -> Any:
        """The prior of a parameter given those before it in the table, whose values may have axes
        of draws; the same object where it does not depend on them."""
        return prior

    def program(self, data: Any) -> None:
        """The model as a numpyro program over prepared data."""
        run(self, data)

    def config(self) -> dict[str, Any]:
        """The model's settings as JSON-serialisable values."""
        settings = {
            one.name: as_json(getattr(self, one.name))
            for one in fields(self)
            if one.name not in self.unsaved
        }
        for name in ("fixed", "tied"):
            settings[name] = {one: as_json(value) for one, value in getattr(self, name)} or None
        if not isinstance(self.priors, str):
            settings["priors"] = {name: as_json(prior) for name, prior in self.priors}
        return {"model": self.name} | settings

    def arrays(self) -> dict[str, tuple[tuple[str, ...], AnyArray]]:
        """Settings that are arrays, of which `config` holds a digest: axes and values."""
        return {}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], arrays: Mapping[str, Any]) -> typing.Self:
        """Restore the model from its `config()` and `arrays()`."""
        given = {name: value for name, value in config.items() if name != "model"}
        priors = given.pop("priors")
        if isinstance(priors, Mapping):
            priors = {name: restored(text) for name, text in priors.items()}
        return cls(priors=priors, **given)

    def accept(self, data: Any) -> None:
        """Refuse anything but data of the model's type.

        Raises:
            ValueError: says which type it must be.
        """
        if not isinstance(data, self.data_type):
            raise ValueError(
                f"The data must be {article(self.data_type.__name__)}, not {type(data).__name__}."
            )

    _repr_html_ = settings

    def figures(self, values: Any, data: Any) -> dict[str, Any]:
        """Every figure of a fit, by name; a subclass adds its own to `common_figures`.

        Args:
            values: an `Estimate` or a `Posterior`.
            data: what was fitted.
        """
        return self.common_figures(values, data)

    def common_figures(self, values: Any, data: Any) -> dict[str, Any]:
        """The estimates, and for a posterior the chains."""
        made = {"parameters": parameters(values, unit=getattr(data, "unit", ""))}
        return made | ({"trace": trace(values)} if hasattr(values, "posterior") else {})

    # Of the verbs (`hawkesjax.core.verbs`) a model has those that it defines as methods; a type
    # checker knows no others, and asking for another raises an error that says so.
    if not typing.TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in VERBS:
                raise self.without(name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def without(self, verb: str) -> ValueError:
        """The error for a verb that the model does not have; it names an alternative."""
        remedy = self.elsewhere.get(verb)
        return ValueError(f"{type(self).__name__} has no {verb}{f'; {remedy}' if remedy else ''}.")


def as_model(model: Any) -> Model:
    """The model, if it is one.

    Raises:
        ValueError: for something that is not a model, or a class instead of an instance.
    """
    if isinstance(model, Model):
        return model
    what = model.__name__ if isinstance(model, type) else type(model).__name__
    hint = f"; write {what}()" if isinstance(model, type) and issubclass(model, Model) else ""
    raise ValueError(f"The first argument must be a model, such as Hawkes(), not {what}{hint}.")
