"""Events and parameters of known size for the benchmarks, in plain NumPy.

Independent of the library on purpose: what is measured does not make its own input.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

MANY = 100  # marks, above which children are drawn another way


@dataclass(frozen=True, eq=False)
class Case:
    """One stream of events and the parameters at which the likelihood is evaluated.

    Args:
        times: (N,) ascending, without ties.
        marks: (N,) 0 .. D-1.
        end: end of the window, which starts at 0.
        mu, alpha, gamma: (D,), (D, D) target first, and (D, D), (D,) by source, or a number.
    """

    times: np.ndarray
    marks: np.ndarray
    end: float
    mu: np.ndarray
    alpha: np.ndarray
    gamma: np.ndarray

    @property
    def num_events(self) -> int:
        return len(self.times)

    def save(self, folder: str | Path) -> Path:
        """Write the case where another process can read it."""
        path = Path(folder) / "events.npz"
        np.savez(path, **{name: np.asarray(value) for name, value in vars(self).items()})
        return path


def parameters(num_marks: int, decay: str, seed: int = 1) -> dict[str, np.ndarray]:
    """Stationary parameters: spectral radius 0.6, decays between 0.5 and 3, one event per unit."""
    rng = np.random.default_rng(seed)
    alpha = rng.uniform(0.2, 1.0, (num_marks, num_marks))
    alpha *= 0.6 / np.abs(np.linalg.eigvals(alpha)).max()
    shape = {"pair": (num_marks, num_marks), "source": (num_marks,), "shared": ()}[decay]
    mu = rng.uniform(0.5, 1.5, num_marks)
    mu /= np.linalg.solve(np.eye(num_marks) - alpha, mu).sum()
    return {"mu": mu, "alpha": alpha, "gamma": np.exp(rng.uniform(np.log(0.5), np.log(3), shape))}


def simulate(num_events: int, num_marks: int, decay: str, seed: int = 0) -> Case:
    """Exactly `num_events` events by clusters; the window ends at the last of them."""
    rng = np.random.default_rng(seed)
    values = parameters(num_marks, decay)
    alpha, gamma = values["alpha"], np.broadcast_to(values["gamma"], (num_marks, num_marks))
    horizon = 1.05 * num_events + 10 * np.sqrt(num_events) + 50
    roots = rng.poisson(values["mu"] * horizon)
    marks = np.repeat(np.arange(num_marks), roots)
    times = rng.uniform(0, horizon, marks.size)
    every_time, every_mark = [times], [marks]
    while times.size:
        born_times, born_marks = [], []
        if num_marks > MANY:  # targets drawn child by child, not counts target by target
            parents = np.repeat(np.arange(marks.size), rng.poisson(alpha.sum(axis=0)[marks]))
            shares = np.cumsum(alpha / alpha.sum(axis=0), axis=0).T + np.arange(num_marks)[:, None]
            drawn = marks[parents] + rng.uniform(size=parents.size)
            target = np.searchsorted(shares.ravel(), drawn) - num_marks * marks[parents]
            target = np.minimum(target, num_marks - 1)
            delay = rng.exponential(size=parents.size) / gamma[target, marks[parents]]
            born = times[parents] + delay
            born_times.append(born[born < horizon])
            born_marks.append(target[born < horizon])
        for target in range(num_marks if num_marks <= MANY else 0):
            children = rng.poisson(alpha[target, marks])
            parents = np.repeat(np.arange(marks.size), children)
            delay = rng.exponential(size=parents.size) / gamma[target, marks[parents]]
            born = times[parents] + delay
            born_times.append(born[born < horizon])
            born_marks.append(np.full(born_times[-1].size, target))
        times, marks = np.concatenate(born_times), np.concatenate(born_marks)
        every_time.append(times)
        every_mark.append(marks)
    times, marks = np.concatenate(every_time), np.concatenate(every_mark)
    if times.size < num_events:
        raise RuntimeError(f"the simulation made {times.size} of {num_events} events")
    order = np.argsort(times, kind="stable")[:num_events]
    times = times[order]
    return Case(times, marks[order].astype(np.int32), float(times[-1]), **values)
