"""An activity that every process has, its users laid out over the devices of all."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any

import jax
import numpy as np

from hawkesjax.core.checkpoint import fingerprint
from hawkesjax.core.hosts import Shares, agreed, compare, exchange
from hawkesjax.core.packing import digest
from hawkesjax.inputs.parts import part_of
from hawkesjax.katz.data.activity import Activity
from hawkesjax.katz.prepared import PreparedActivity, prepare

SUMS = ("heard", "influence", "constant", "users", "events")


def share_activity(model: Any, data: Any, mesh: Any, dtype: Any = None) -> PreparedActivity:
    """The activity prepared with some users on each device: what they heard is counted, and their
    terms are evaluated, there alone. Every process calls it.

    Args:
        model: the model.
        data: the whole activity, since users hear those of other processes.
        mesh: all devices, along the axis "hosts".
        dtype: floating type.

    Raises:
        ValueError: on all processes, where one of them has another activity or cannot evaluate it.
    """
    agreed(lambda: _check(model, data))
    own = fingerprint(data), digest((data.user_names, data.fit))
    compare(
        exchange({"activity": tuple(one[:8] for one in own)}), {"activity": "messages and windows"}
    )
    cuts = agreed(lambda: _cuts(data, mesh))
    settings = model.bare

    def prepared(least: Any) -> list[PreparedActivity]:
        return agreed(lambda: [prepare(data, settings, dtype, least, cut) for cut in cuts])

    known = list(chain.from_iterable(exchange([_known(one) for one in prepared(None)])))
    least: dict[tuple[int, str], int] = {}
    for one in known:
        for name, size in one["sizes"].items():
            least[name] = max(size, least.get(name, 0))
    parts = [jax.tree.map(np.asarray, one) for one in prepared(least)]
    first, none = parts[0], np.zeros(0, parts[0].dtype)
    sums = {name: np.asarray(sum(one[name] for one in known), none.dtype) for name in SUMS}
    spread = first.spread
    if model.form_rule.multiplies and sums["influence"] > 0:  # 1 / (mean of what events heard)
        hearing = sum(one["spread"] * one["influence"] for one in known)
        spread = np.asarray(hearing / sum(one["influence"] for one in known), none.dtype)
    return replace(
        first,
        **sums,
        spread=spread,
        blocks=(),
        quiet_heard=none,
        quiet_users=none,
        shares=Shares.of(parts, np.frombuffer("".join(own).encode(), np.uint8), mesh),
    )


def _check(model: Any, data: Any) -> None:
    model.check(data)
    if model.baseline != "integrated":
        raise ValueError(
            f"baseline={model.baseline!r} is evaluated by one process alone: use "
            f"baseline='integrated' over hosts, or leave mesh out."
        )


def _cuts(data: Activity, mesh: Any) -> list[tuple[int, int]]:
    """The users of each device of this process, by their messages."""
    sizes = np.bincount(data.active_user, minlength=data.num_users)
    here = jax.process_index()
    own = [n for n, one in enumerate(mesh.devices.flat) if one.process_index == here]
    return [part_of(sizes, (number, mesh.size), "user") for number in own]


def _known(part: PreparedActivity) -> dict[str, Any]:
    """What the processes tell one another of a part."""
    sums = {name: float(getattr(part, name)) for name in (*SUMS, "spread")}
    return {"sizes": part.sizes, **sums}
