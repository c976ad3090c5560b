"""The counts of the Katz spike model made ready for a device, by kind of user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from hawkesjax.core.cache import kept
from hawkesjax.core.hosts import Shares
from hawkesjax.inputs.arrays import AnyArray, Scalar
from hawkesjax.katz.blocks import EMPTY, Block, filled_block, padded, roomy
from hawkesjax.katz.counts import Rows, check_activity, counts_of
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.grid import REACH, nodes_needed
from hawkesjax.katz.heard import ranges
from hawkesjax.katz.own_past import OwnPast, own_past
from hawkesjax.katz.rules import Settings
from hawkesjax.katz.steady.solve import radius

# Between rungs: kinds of users that differ by less share their nodes. 3,000 users of the
# multiplicative form make 832, 576 and 352 kinds with ratios 1.02, 1.1 and 1.5, a likelihood takes
# 1.0, 0.8 and 0.7 ms; its value is the same to 1e-6.
RATIO = np.log(1.1)
Range = tuple[int, int]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class PreparedActivity:
    r"""What the likelihood needs; sizes are static, names stay behind.

    Args:
        blocks: with baselines integrated out, groups of users by number of nodes.
        quiet_heard, quiet_users: kinds of users without events whose integral is known in closed
            form: what multiplies their baseline, and how many they are.
        rows, heard_by_user: with free baselines, the rows, and what each user heard in all bins.
        heard: sum over users of what they heard in all bins; D of the additive form.
        influence: events that alpha = 1 would set off: D, or the sum of r over events.
        exposure: G, the sum of the common factor over the bins; K without one.
        constant: what does not depend on parameters.
        users, events: N, and events (posts for the Poisson link).
        radius: spectral radius of the network.
        spread: scale of alpha: 1 / radius, or 1 / (mean r of the events that heard something).
        acyclic: whether the radius is 0.
        num_users: N where each user has numbers of its own (free and recency-weighted baselines),
            else 0, so that activities of nearly as many users share a compilation.
        own: with recency-weighted baselines, who was active when.
        shares: users by device, where processes share them; the sums are then those of all users,
            and there are no blocks.
    """

    blocks: tuple[Block, ...]
    quiet_heard: Float[AnyArray, " kinds"]
    quiet_users: Float[AnyArray, " kinds"]
    rows: Rows
    heard_by_user: Float[AnyArray, " users"]
    heard: Float[Scalar, ""]
    influence: Float[Scalar, ""]
    exposure: Float[Scalar, ""]
    constant: Float[Scalar, ""]
    users: Float[Scalar, ""]
    events: Float[Scalar, ""]
    radius: Float[Scalar, ""]
    spread: Float[Scalar, ""]
    num_users: int = field(metadata={"static": True})
    acyclic: bool = field(metadata={"static": True})
    own: OwnPast | None = None
    shares: Shares | None = None

    @property
    def num_events(self) -> Float[Scalar, ""]:
        """Active bins (or posts) in the bins of the fit, an array."""
        return self.events

    @property
    def dtype(self) -> Any:
        """Floating type."""
        return self.exposure.dtype

    @property
    def sizes(self) -> dict[tuple[int, str], int]:
        """What prepared activities that share a compilation have in common, by number of nodes
        and kind of thing; (0, "kinds") are the quiet ones."""
        blocks = {(b.nodes, what): size for b in self.blocks for what, size in b.sizes.items()}
        return {(0, "kinds"): len(self.quiet_users), **blocks}

    @property
    def rate(self) -> Float[Array, ""]:
        """Events per user and bin; half an event where there is none."""
        return jnp.maximum(self.events, 0.5) / (self.users * self.exposure)


@dataclass(frozen=True, eq=False)
class Grouping:
    """Users by kind: `kind[i]` counts through the groups of all blocks, then the quiet kinds."""

    blocks: tuple[Block, ...]
    quiet_heard: Float[np.ndarray, " kinds"]
    quiet_users: Float[np.ndarray, " kinds"]
    kind: Int[np.ndarray, " users"]


def grouping_of(data: Activity, settings: Settings, users: Range | None = None) -> Grouping:
    """Users with identical rows, exactly, and what their integrals share; found once."""
    return _grouping(data, settings.bare, users)


@kept
def _grouping(data: Activity, settings: Settings, users: Range | None) -> Grouping:
    counts = counts_of(data, settings, users)
    size = counts.num_users
    multiplies = settings.form_rule.multiplies
    own = counts.heard_in_all if multiplies else np.zeros(size)
    user, heard, factor, count, silent = counts.rows.take(
        np.argsort(counts.rows.user, kind="stable")
    )
    kind = _kinds(size, user, np.stack([heard, factor, count, silent]), own)
    first = np.unique(kind, return_index=True)[1]  # one user of each kind
    members = np.bincount(kind)

    events = np.where(silent, 0, count)
    total = np.bincount(user, weights=events, minlength=size)[first]
    alone = events if multiplies else np.where(heard == 0, events, 0)
    base = np.bincount(user, weights=alone, minlength=size)[first]
    quiet = (total == 0) & (not settings.link_rule.silence)  # these have a closed form
    share = np.bincount(user, weights=events * factor, minlength=size) / counts.exposure
    if multiplies:
        echo = np.bincount(user, weights=events * factor * heard, minlength=size)
        share = np.maximum(share, echo / np.where(own > 0, own, 1))
    total = _saturated(total, share[first])
    # Rungs, not numbers: a window that is a little too wide is shared by many kinds of users.
    multiplier = _ratio_rung(own[first])
    base, total = _rung(base, np.floor), _rung(total, np.ceil)
    if multiplies:
        base, total = base * np.exp(-RATIO / 2), total * np.exp(RATIO / 2)
    nodes = nodes_needed(base, total)
    shapes = np.stack([base, total, multiplier], axis=1)

    begin = np.searchsorted(user, np.arange(size + 1))
    place = np.empty(len(first), np.int64)
    blocks, done = [], 0
    for number in np.unique(nodes[~quiet]):
        chosen = np.flatnonzero((nodes == number) & ~quiet)
        place[chosen] = done + np.arange(len(chosen))
        done += roomy(len(chosen))
        owner, rows = ranges(begin[first[chosen]], np.diff(begin)[first[chosen]])
        groups = shapes[chosen], (own[first] - multiplier)[chosen], members[chosen]
        cells = np.stack([heard, factor, silent], axis=1)[rows]
        blocks.append(_block(int(number), *groups, owner, cells, count[rows]))
    chosen = np.flatnonzero(quiet)
    place[chosen] = done + np.arange(len(chosen))
    room = roomy(len(chosen))
    return Grouping(
        tuple(blocks),
        padded(own[first][chosen], room),
        padded(members[chosen].astype(float), room),
        place[kind],
    )


def _kinds(size, user, rows, own) -> np.ndarray:
    """A number for each distinct sequence of rows: users walk down a tree, a row per level."""
    code = np.unique(rows, axis=1, return_inverse=True)[1].ravel() if len(user) else user
    kind = np.unique(own, return_inverse=True)[1].ravel().astype(np.int64)
    begin = np.searchsorted(user, np.arange(size))
    length = np.bincount(user, minlength=size)
    for level in range(int(length.max(initial=0))):
        going = np.flatnonzero(length > level)
        pairs = np.stack([kind[going], code[begin[going] + level].astype(np.int64)])
        step = np.unique(pairs[0] * (code.max() + 1) + pairs[1], return_inverse=True)[1].ravel()
        kind[going] = kind.max() + 1 + step
    return np.unique(kind, return_inverse=True)[1].ravel()


def _saturated(count, share) -> np.ndarray:
    """Shape of the gamma density that reaches as far right as a user's posterior.

    Of a user active in a part q of the bins, the hidden number of Poisson events is not n but
    `-n log(1 - q) / q`, and the root's standard deviation not 1/2 but
    `(1/2) (q / (1 - q) / -log(1 - q))^(1/2)`.
    """
    q = np.clip(share, 1e-9, 1 - 0.25 / np.maximum(count, 1))
    hidden = -np.log1p(-q)
    right = np.sqrt(count * hidden / q) + REACH * np.sqrt(q / (1 - q) / hidden)
    return np.where(count > 0, np.maximum(right - REACH, np.sqrt(count)) ** 2, 0)


def _rung(count, way) -> np.ndarray:
    """Counts to the next rung: quarters to 4, then steps of 1/2 in the root."""
    return np.where(count <= 4, way(4 * count) / 4, (way(2 * np.sqrt(count)) / 2) ** 2)


def _ratio_rung(heard) -> np.ndarray:
    """Numbers to the nearest rung of a ladder of ratio 1.1; 0 stays."""
    positive = np.where(heard > 0, heard, 1)
    return np.where(heard > 0, np.exp(RATIO * np.round(np.log(positive) / RATIO)), 0)


def _block(nodes, shapes, rest, members, term_group, cells, count) -> Block:
    classes, group_class = np.unique(shapes, axis=0, return_inverse=True)
    group_class = group_class.ravel()
    keyed = np.concatenate([group_class[term_group][:, None], cells], axis=1)
    distinct, term_cell = np.unique(keyed, axis=0, return_inverse=True)
    grids, class_grid = np.unique(classes[:, :2], axis=0, return_inverse=True)
    block = Block(
        low=grids[:, 0],
        high=grids[:, 1],
        class_grid=class_grid.ravel().astype(np.int32),
        heard=classes[:, 2],
        cell_class=distinct[:, 0].astype(np.int32),
        cell_heard=distinct[:, 1],
        cell_factor=distinct[:, 2],
        cell_silent=distinct[:, 3] > 0,
        term_group=term_group.astype(np.int32),
        term_cell=term_cell.ravel().astype(np.int32),
        term_count=count,
        group_class=group_class.astype(np.int32),
        group_heard=rest,
        group_users=members.astype(float),
        nodes=nodes,
    )
    return filled_block(block, {"cells": len(distinct) + 1})  # one spare at least


def _filled_up(data: PreparedActivity, least: Mapping[tuple[int, str], int]) -> PreparedActivity:
    """With at least so many of everything, and blocks of 0 users for other numbers of nodes."""
    blocks = {block.nodes: block for block in data.blocks}
    parts = [
        filled_block(
            blocks.get(nodes, replace(EMPTY, nodes=nodes)),
            {what: size for (many, what), size in least.items() if many == nodes},
        )
        for nodes in sorted({*blocks, *(many for many, what in least if many)})
    ]
    kinds = least.get((0, "kinds"), 0)
    heard, users = (padded(np.asarray(x), kinds) for x in (data.quiet_heard, data.quiet_users))
    return replace(data, blocks=tuple(parts), quiet_heard=heard, quiet_users=users)


def prepare(
    data: Activity,
    settings: Settings,
    dtype: Any = None,
    least: Mapping[tuple[int, str], int] | None = None,
    users: Range | None = None,
) -> PreparedActivity:
    """Lay the counts out, once for each container, settings and range of users; the other
    arguments as in `KatzLaw.prepare`."""
    check_activity(data)
    dtype = np.dtype(jnp.zeros(()).dtype if dtype is None else dtype)
    return _prepared(data, settings.bare, dtype, tuple(sorted((least or {}).items())), users)


@kept
def _prepared(
    data: Activity, settings: Settings, dtype: Any, least: tuple, users: Range | None
) -> PreparedActivity:
    layout = _layout(data, settings, users)
    if least:
        layout = _filled_up(layout, dict(least))
    # On the device once, not at every call; and as values when a trace is under way.
    with jax.ensure_compile_time_eval():
        return jax.device_put(
            jax.tree.map(
                lambda leaf: (
                    np.asarray(leaf, dtype)
                    if np.asarray(leaf).dtype.kind == "f"
                    else np.asarray(leaf)
                ),
                layout,
            )
        )


def _layout(data: Activity, settings: Settings, users: Range | None) -> PreparedActivity:
    counts, rho = counts_of(data, settings, users), radius(data).value
    free, recent = (settings.baseline == name for name in ("free", "recent"))
    multiplies = settings.form_rule.multiplies
    none = np.zeros(0)
    nobody = none.astype(np.int64)
    nothing = Grouping((), none, none, nobody)
    groups = nothing if free or recent else grouping_of(data, settings, users)
    active = counts.rows.take(~counts.rows.silent)
    rows = counts.rows if free else active.take(slice(0))
    echo = float(np.sum(active.count * active.heard))
    total = float(np.sum(counts.heard_in_all))
    hearing = float(np.sum(active.count[active.heard > 0]))
    return PreparedActivity(
        blocks=groups.blocks,
        quiet_heard=groups.quiet_heard,
        quiet_users=groups.quiet_users,
        rows=rows._replace(user=rows.user.astype(np.int32)),
        heard_by_user=counts.heard_in_all if free else none,
        heard=np.float64(total),
        influence=np.float64(echo if multiplies else total),
        exposure=np.float64(counts.exposure),
        constant=np.float64(counts.constant),
        users=np.float64(counts.num_users),
        num_users=counts.num_users if free or recent else 0,
        events=np.float64(np.sum(active.count)),
        radius=np.float64(rho),
        spread=np.float64(hearing / echo if multiplies and echo > 0 else _inverse(rho, data)),
        acyclic=rho == 0,
        own=own_past(data, settings.bare) if recent else None,
    )


def _inverse(radius: float, data: Activity) -> float:
    """1 / radius; of a network without cycles, 1 / (mean weight that a listener hears)."""
    if radius > 0:
        return 1 / radius
    total = float(np.sum(data.weight))
    return len(np.unique(data.listener)) / total if total > 0 else 1.0
