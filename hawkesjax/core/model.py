"""The contract: what a model is, and all that follows from it."""

from __future__ import annotations

import abc
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from hawkesjax.core.choices import check_choices
from hawkesjax.core.information import Solved
from hawkesjax.core.parameter import Parameter, Params
from hawkesjax.core.priors import as_json, resolve, restored
from hawkesjax.core.program import run
from hawkesjax.core.structure import Structure, checked_structure, structure_of
from hawkesjax.core.supports import check_prior
from hawkesjax.inputs.arguments import Range, article
from hawkesjax.inputs.arrays import AnyArray, HostArray
from hawkesjax.plotting.parameters import parameters, trace

Data = TypeVar("Data")
EstimateT = TypeVar("EstimateT")
PosteriorT = TypeVar("PosteriorT")
VERBS = ("simulate", "forecast", "residuals", "evaluate", "predictive_check", "attribution")
Masks = dict[str, HostArray]


@dataclass(frozen=True)
class Model(abc.ABC, Generic[Data, EstimateT, PosteriorT]):
    """A law of event data. Subclass it with the members below, and `fit`, `sample` and the tables
    work; add the verbs that make sense for it.

    A subclass is a frozen dataclass whose fields are its settings::

        @dataclass(frozen=True)
        class Poisson(hj.Model[EventPanel, hj.Estimate, hj.Posterior]):
            name = "poisson"

    It is written with: `parameters`, the table from which axes, shapes, priors, starting values,
    boundaries, the configuration and the numpyro program follow; `prepare`; `log_likelihood`;
    and, where parameters have axes, `coords` and `sizes`. What else stands here has a default that
    is right for a model without that feature.

    Args:
        priors: `"default"`, another name of `named_priors`, or a dict from parameter names to
            numpyro distributions; parameters left out keep their default.
        fixed: what is known, a dict from parameters to a number or an array in the parameter's
            shape, NaN (or None) where an entry is learned. Fixed entries have no prior, no error
            and no part in counts of parameters.
        tied: entries that share one value, a dict from parameters to `"all"`, `"off-diagonal"` or
            `"symmetric"` (of pairs), or to an array of labels in the parameter's shape, NaN where
            an entry stands alone; its prior is that of a label's first entry.

    Raises:
        ValueError: for priors of parameters that the model does not sample or that reach beyond
            the parameter's support, for fixed values outside it, and for a setting whose type is a
            `Literal` that is none of its values.
    """

    priors: Any = field(default="default", kw_only=True)
    fixed: Any = field(default=None, kw_only=True)
    tied: Any = field(default=None, kw_only=True)

    name: ClassVar[str]
    named_priors: ClassVar[tuple[str, ...]] = ("default",)
    unsaved: ClassVar[tuple[str, ...]] = ()  # settings that change no result
    elsewhere: ClassVar[Mapping[str, str]] = {}  # verb or figure -> what to use in its place
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
        subclass that extends it calls it last."""
        check_choices(self)
        for name, found in zip(
            ("fixed", "tied"),
            checked_structure(self.fixed, self.tied, {p.name: p.range for p in self.parameters}),
            strict=True,
        ):
            object.__setattr__(self, name, found)
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

    # What a model must say

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

    # What a model may say

    def coords(self, data: Data) -> dict[str, list[str]]:
        """Names along each axis."""
        return {}

    def sizes(self, data: Any) -> dict[str, int]:
        """Length of each axis; data raw or prepared."""
        return {}

    def check(self, data: Any) -> None:
        """What `fit` and `sample` ask of the data before anything is computed."""
        self.accept(data)

    def observed(self, data: Data) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """The events, for ArviZ's observed_data."""
        return {}

    def constant(self, data: Data) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
        """What is given beside the events, for ArviZ's constant_data."""
        return {}

    @property
    def derived_dims(self) -> dict[str, tuple[str, ...]]:
        """Names of the axes of what `derived` gives."""
        return {}

    def derived(self, params: Params, data: Any) -> dict[str, AnyArray]:
        """Positive quantities that tables show beside the parameters; an entry depends on one
        entry of `local` at most."""
        return {}

    def pointwise(self, params: Params, data: Data, by: str) -> Float[Array, " terms"]:
        """The log-likelihood in terms that sum to it, of one of the kinds of `pointwise_sizes`."""
        raise ValueError(f"{type(self).__name__} has no pointwise terms.")

    def pointwise_sizes(self, data: Data) -> dict[str, int]:
        """Number of terms of each kind of `pointwise`, the finest first; none without any."""
        return {}

    def settled(self, data: Data, dtype: Any = None) -> tuple[Any, str, int]:
        """The model with the settings that `fit` learns, a sentence on them, their number."""
        return self, "", 0

    def marginal(self) -> Model:
        """The model whose likelihood `fit` maximises: this one, or it with the entries of `local`
        integrated out, without them among its parameters and derived quantities."""
        return self

    def latent(self, params: Params, data: Any) -> dict[str, Array]:
        """What `marginal` integrates out, at its likeliest given the rest."""
        return {}

    def log_likelihood_inside(self, params: Params, data: Any) -> Float[Array, ""]:
        """The log-likelihood where no parameter is 0: what searches and chains call."""
        return self.log_likelihood(params, data)

    def log_density(self, params: Params, data: Any) -> Float[Array, ""]:
        """The log-likelihood, with the log density of what `marginal` integrates out."""
        return self.log_likelihood_inside(params, data)

    def without_effects(self, data: Any) -> tuple[float, int] | None:
        """The largest log-likelihood of the model without any effect of one event on another, and
        its number of parameters, where these are known without a search; data prepared."""
        return None

    def remarks(self, draws: Params, data: Data) -> list[str]:
        """Sentences that results repeat: what nobody should overlook in the values (with a leading
        axis of draws, of one for an estimate, in which 0 stands for what lies on a boundary), or
        means nothing for such data."""
        return []

    def starts(self, data: Any) -> list[dict[str, Array]]:
        """Starting values of the search for a maximum, of which the best is taken (NaN: the middle
        of the support); data prepared."""
        shapes = self.shapes(data)
        return [
            {
                one.name: jnp.broadcast_to(
                    jnp.asarray(jnp.nan if one.start is None else _of(one.start, data), data.dtype),
                    shapes[one.name],
                )
                for one in self.parameters
                if one.name in shapes
            }
        ]

    def solved(self, data: Any, tol: float) -> Solved | None:
        """The global maximum of the likelihood by a way of the model's own, where it has one, with
        derivatives of at most `tol` per event; data prepared."""
        return None

    def unrestricted(self) -> typing.Self:
        """The same model without constraints that join parameters: the coordinates of intervals."""
        return self

    def joint_intervals(
        self, params: Params, data: Any, slope: Any, curvature: Any
    ) -> dict[str, tuple[Any, Any, Any]]:
        """Standard errors and ends of intervals of the parameter named `joint`, whose entries share
        one support, and of what derives from it; `slope` and (negative) `curvature` of the log-
        likelihood in its entries, the others at their best for each; data prepared."""
        return {}

    def at_boundary(self, params: Params, data: Any) -> Masks:
        """Masks of parameters on the edge of what they may be or of what the data can tell."""
        masks: Masks = {name: np.zeros(np.shape(value), bool) for name, value in params.items()}
        for one in self.parameters:
            if one.name in masks and one.edge is not None:
                edge = np.asarray(one.edge(params, data))
                masks[one.name] = np.asarray(masks[one.name], bool) | edge
        for name, prior in self.sites(data).items():
            for side in ("lower_bound", "upper_bound"):
                bound = getattr(prior.support, side, None)
                if bound is not None and np.all(np.asarray(bound) != 0):
                    near = np.abs(np.asarray(params[name]) / np.asarray(bound) - 1) < 1e-6
                    masks[name] = np.asarray(masks[name], bool) | near
        return masks

    def dense_mass(self, data: Any) -> list[tuple[str, ...]] | bool:
        """Parameters whose correlation NUTS should learn."""
        return False

    @property
    def can_vanish(self) -> bool:
        """Whether the density of the data may be 0 inside the supports."""
        return False

    @property
    def local(self) -> str | None:
        """The parameter whose entries do not interact given all others: a diagonal Hessian."""
        return None

    def blocks(self, data: Any) -> dict[str, np.ndarray | None]:
        """Group of each entry of a parameter and of what `derived` gives: those of different groups
        do not interact; None, and names left out: with all (`local`: with the first group)."""
        return {}

    # What follows

    @property
    def dims(self) -> dict[str, tuple[str, ...]]:
        """Names of the axes of each parameter, sampled or derived."""
        return {one.name: one.dims for one in self.parameters} | self.derived_dims

    @property
    def supports(self) -> dict[str, Range]:
        """Where each parameter may lie: what values from outside are held to."""
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
        """How the entries of parameters with fixed or tied ones follow from the free ones."""
        return self.structures_of(self.shapes(data))

    def structures_of(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Structure]:
        """The same of parameters of these shapes."""
        fixed, tied = dict(self.fixed), dict(self.tied)
        found = {
            name: structure_of(name, shape, fixed.get(name), tied.get(name))
            for name, shape in shapes.items()
        }
        return {name: one for name, one in found.items() if one is not None}

    def sites(self, data: Any) -> dict[str, dist.Distribution]:
        """The prior of each parameter, fixed or not; data prepared."""
        shapes = self.shapes(data)
        given = {} if isinstance(self.priors, str) else dict(self.priors)
        chosen = {
            one.name: given[one.name] if one.name in given else _of(one.prior, data)
            for one in self.parameters
            if one.name in shapes
        }
        return resolve(chosen, shapes)

    def program(self, data: Any) -> None:
        """The model as a numpyro program over prepared data."""
        run(self, data)

    def config(self) -> dict[str, Any]:
        """The model's settings as JSON-able values."""
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
        """The model again, from its `config()` and `arrays()`."""
        given = {name: value for name, value in config.items() if name != "model"}
        priors = given.pop("priors")
        if isinstance(priors, Mapping):
            priors = {name: restored(text) for name, text in priors.items()}
        return cls(priors=priors, **given)

    def accept(self, data: Any) -> None:
        """Refuse anything but data of the model's type.

        Raises:
            ValueError: that says which type it must be.
        """
        if not isinstance(data, self.data_type):
            raise ValueError(
                f"The data must be {article(self.data_type.__name__)}, not {type(data).__name__}."
            )

    def figures(self, values: Any, data: Any) -> dict[str, Any]:
        """Every figure of a fit, by name; what a subclass adds to `common_figures`.

        Args:
            values: an `Estimate` or a `Posterior`.
            data: what was fitted.
        """
        return self.common_figures(values, data)

    def common_figures(self, values: Any, data: Any) -> dict[str, Any]:
        """The estimates, and the chains of a posterior."""
        made = {"parameters": parameters(values, unit=getattr(data, "unit", ""))}
        return made | ({"trace": trace(values)} if hasattr(values, "posterior") else {})

    # Of the verbs (`hawkesjax.core.verbs`) a model has those that it defines as methods; a type
    # checker knows no others, and asking for one says so.
    if not typing.TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in VERBS:
                raise self.without(name)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def without(self, verb: str) -> ValueError:
        """The error for a verb that the model does not have; it names where to go."""
        remedy = self.elsewhere.get(verb)
        return ValueError(f"{type(self).__name__} has no {verb}{f'; {remedy}' if remedy else ''}.")


def as_model(model: Any) -> Model:
    """The model, if it is one.

    Raises:
        ValueError: for something that is no model, or a class where a model is needed.
    """
    if isinstance(model, Model):
        return model
    what = model.__name__ if isinstance(model, type) else type(model).__name__
    hint = f"; write {what}()" if isinstance(model, type) and issubclass(model, Model) else ""
    raise ValueError(f"The first argument must be a model, such as Hawkes(), not {what}{hint}.")


def _of(value: Any, data: Any) -> Any:
    return value(data) if callable(value) and not isinstance(value, dist.Distribution) else value
