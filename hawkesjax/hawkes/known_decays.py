"""The maximum over baselines and effects for given decay rates, from a prepared panel."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hawkesjax.core.information import Arrow
from hawkesjax.core.layout import Layout
from hawkesjax.hawkes.concave import Target, improved, maximise
from hawkesjax.hawkes.counts.blocks import BlockForm
from hawkesjax.hawkes.counts.blocks_rows import BlockRows
from hawkesjax.hawkes.counts.edges import EdgeForm
from hawkesjax.hawkes.counts.fixed import FixedForm
from hawkesjax.hawkes.counts.mixture import MixtureForm
from hawkesjax.hawkes.counts.points import PointForm


def can_solve(model: Any, data: Any) -> bool:
    """Whether only free, positive baselines and effects are to be fitted to these data."""
    background = model.background
    plain = background.covariates is None and background.levels in ("sequence", "shared")
    if not plain or model.stationary or model.strength:
        return False
    if data.copies is not None or data.shares is not None:
        return False
    if model.structures(data) or model.link != "identity":
        return False
    sites = model.sites(data)
    return all(_is_positive(sites[name].support) for name in ("mu", "alpha"))


@dataclass(frozen=True)
class Best:
    """mu and alpha at the maximum.

    The parts of the targets, N D numbers, are not kept: `information` asks for them again.

    Args:
        values: (D, L + D) parameters of each target, levels first.
        shared: whether all sequences have one level.
        loss: minus the log-likelihood.
        gradient: largest remaining derivative per event.
        steps: number of steps of the longest search.
    """

    values: np.ndarray
    shared: bool
    loss: float
    gradient: float
    steps: int

    @property
    def params(self) -> dict[str, np.ndarray]:
        """mu and alpha."""
        levels = self.values.shape[1] - len(self.values)
        mu = self.values[:, :levels].T
        return {"mu": mu[0] if self.shared else mu, "alpha": self.values[:, levels:]}

    def information(self, model: Any, data: Any) -> Arrow:
        """The Hessian of the loss in the logs of mu and alpha."""
        params = self.params
        layout = Layout.of(model, params, data)
        marks, levels = len(self.values), self.values.shape[1] - len(self.values)
        local, cross = np.zeros((levels, marks)), np.zeros((levels, marks, marks))
        own = np.zeros((marks, marks, marks))
        parts = targets_of(model, {}, data)
        for i, ((target, _), values) in enumerate(zip(parts, self.values, strict=True)):
            bends = target.bends(values, np.ones(len(values), bool))
            slope = values * target.loss(values)[1]
            mu, alpha = values[:levels], values[levels:]
            local[:, i] = mu**2 * bends[0] + slope[:levels]
            cross[:, i] = mu[:, None] * bends[1] * alpha
            own[i] = alpha[:, None] * bends[2] * alpha + np.diag(slope[levels:])
        nothing = np.zeros((marks, marks, 0)), np.zeros((0, 0))
        return Arrow(layout, local.ravel(), cross.reshape(-1, marks), own, *nothing)


def solve(
    model: Any, params: Mapping[str, Any], data: Any, tol: float, *, near: Best | None = None
) -> Best:
    """The maximum over mu and alpha, target by target.

    Args:
        model: the model.
        params: its other parameters.
        data: the prepared panel.
        tol: largest derivative per event that may remain.
        near: a maximum for other parameters, to start from.
    """
    events = int(data.num_events)
    found, loss = [], 0.0
    limit = 0.5 * tol * events
    for i, (target, _) in enumerate(targets_of(model, params, data)):
        if near is None:
            found.append(maximise(target, limit))
        else:
            found.append((*improved(target, near.values[i], limit), 1))
        loss += target.loss(found[-1][0])[0]
    values, left, steps = zip(*found, strict=True)
    shared = model.background.levels == "shared"
    return Best(np.stack(values), shared, loss, max(left) / events, max(steps))


def targets_of(
    model: Any, params: Mapping[str, Any], data: Any
) -> Iterator[tuple[Target, np.ndarray]]:
    """The part of each target in turn, and the positions of its events in the stream."""
    events = int(data.num_events)
    rates, children = features(model, params, data)
    own = np.asarray(data.marks)[:events]
    shared = model.background.levels == "shared"
    place = np.zeros(events, int) if shared else np.asarray(data.sequence)[:events]
    exposure = np.asarray(data.exposed, np.float64)
    factor = None if data.exposure is None else np.asarray(data.exposure.at, np.float64)[:events]
    exposure = exposure.sum(keepdims=True) if shared else exposure
    for i in range(data.num_marks):
        mine = np.flatnonzero(own == i)
        unit = 1.0 if factor is None else factor[mine]
        yield Target(rates[mine], place[mine], exposure, children[i], unit), mine


def features(
    model: Any, params: Mapping[str, Any], data: Any
) -> tuple[Any, Float[np.ndarray, "marks marks"]]:
    """G, the intensity at each event per unit of alpha of each source on the event's own mark, and
    K, the children of each target and source within the windows per unit of alpha. G is an array,
    (N, D), or, for the form in blocks, something that gives the rows asked for.

    Args:
        model: the model.
        params: its parameters; alpha and the baseline do not matter.
        data: the prepared panel.
    """
    events = int(data.num_events)
    params = {name: np.asarray(value) for name, value in params.items()}
    if isinstance(data.form, BlockForm) and data.inflow is None:
        known = model.excitation_of({**params, "alpha": np.ones((data.num_marks,) * 2)})
        children = _children(model, params, data)
        return BlockRows.of(data.form, *known[1:]), np.asarray(children, np.float64)
    rates, children = _features(model, params, data)
    return np.asarray(rates, np.float64)[:events], np.asarray(children, np.float64)


@functools.partial(jax.jit, static_argnums=0)
def _children(model: Any, params: Any, data: Any) -> Array:
    """K alone."""
    params = {**params, "alpha": jnp.ones((data.num_marks,) * 2, data.dtype)}
    known = model.excitation_of(params)
    return model.children(params, data, _ends(model.form_of(params, data), data, known))


@functools.partial(jax.jit, static_argnums=0)
def _features(model: Any, params: Any, data: Any) -> tuple[Array, Array]:
    """`features`, with rows for the padding of the form."""
    ones = jnp.ones((data.num_marks,) * 2, data.dtype)
    params = {**params, "alpha": ones}
    known = model.excitation_of(params)
    form = model.form_of(params, data)
    children = model.children(params, data, _ends(form, data, known))
    return _rates(form, data, known) + _inflow(model, params, data), children


def _ends(form: Any, data: Any, known: tuple[Any, ...]) -> Any:
    """E of the form of the decayed counts."""
    if isinstance(form, FixedForm):
        return jnp.asarray(form.ends)
    level = jnp.ones((data.num_sequences, data.num_marks), data.dtype)
    return form.event_terms(level, *known)[1]


def _inflow(model: Any, params: Any, data: Any) -> Any:
    """What a known history adds to G."""
    if data.inflow is None:
        return jnp.zeros((1, data.num_marks), data.dtype)
    gamma = jnp.broadcast_to(jnp.asarray(model.excitation_of(params)[1]), (data.num_marks,) * 2)
    terms = model.kernel.ratios, model.kernel.weights(params)
    return data.inflow.per_effect(gamma, *terms)


def _rates(form: Any, data: Any, known: tuple[Any, ...]) -> Any:
    """G: the intensity at each event per unit of alpha of each source."""
    alpha, gamma, *weights = known
    if isinstance(form, MixtureForm | PointForm | EdgeForm | BlockForm):
        columns = [
            form.excitation(jnp.zeros_like(alpha).at[:, j].set(1), gamma, *weights)
            for j in range(data.num_marks)
        ]
        return jnp.stack(columns, axis=1)
    by_pair = jnp.broadcast_to(jnp.asarray(gamma), alpha.shape)
    return form.decayed_counts(gamma) * by_pair[jnp.asarray(data.marks)]


def _is_positive(support: Any) -> bool:
    base = getattr(support, "base_constraint", support)
    low, high = (getattr(base, side, None) for side in ("lower_bound", "upper_bound"))
    return high is None and low is not None and bool(np.all(np.asarray(low) == 0))
