"""How far a run is, for callbacks, progress bars and logs."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from tqdm.auto import tqdm

logger = logging.getLogger("hawkesjax")


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Args:
        stage: "search" (of `fit`), "warm-up" or "sampling".
        done: steps done: of the present start of a search, of all chains of a sampler.
        total: steps in all; the largest number that is allowed, for a search.
        values: numbers of the moment, by name: `loss` (minus the log-likelihood) and `gradient`
            (largest derivative, both in nats per event); `divergences` and `step_size`.
    """

    stage: str
    done: int
    total: int
    values: dict[str, float] = field(default_factory=dict)


Callback = Callable[[Progress], object]
_ASKED: ContextVar[Callback | None] = ContextVar("_ASKED", default=None)


def watcher() -> Callback | None:
    """What is to be called at each step of the search that runs, if anything is."""
    return _ASKED.get()


@contextlib.contextmanager
def watched(callback: Callback | None, progress: bool) -> Iterator[None]:
    """Call back at each step of the searches inside, and show a bar if that is asked for."""
    if callback is None and not progress and not logger.isEnabledFor(logging.DEBUG):
        yield
        return
    with tqdm(unit="step", desc="search", disable=not (progress and is_seen())) as bar:

        def step(now: Progress) -> None:
            bar.set_postfix({n: f"{v:.4g}" for n, v in now.values.items()}, refresh=False)
            bar.update(1)
            report(callback, now)

        token = _ASKED.set(step)
        try:
            yield
        finally:
            _ASKED.reset(token)


def report(callback: Callback | None, now: Progress) -> None:
    """Log how far a run is, and call back; what the callback raises ends the run."""
    shown = ", ".join(f"{name} {value:.4g}" for name, value in now.values.items())
    logger.debug("%s: %d of %d, %s", now.stage, now.done, now.total, shown)
    if callback is not None:
        callback(now)


def is_seen() -> bool:
    """Whether somebody sees a progress bar: at a terminal or in a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules
