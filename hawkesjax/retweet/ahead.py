"""What a forecast of posts and reposts is made of: parameters, known events, rates by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from hawkesjax.retweet.memory.kernel import kernel_integral
from hawkesjax.retweet.memory.volterra import draw_reposts, known_reach, mean_reposts, transfer
from hawkesjax.retweet.prepared import whole_cascades
from hawkesjax.retweet.swing import wave

STRENGTH = 20.0  # reposters that the overall mean of followers counts for
STEP = 12  # longest step, in units of s0: an hour
MOST_STEPS = 5_000  # 200 MB for the kernel between them, 2 GB for cascades solved together
# Up to a time: longest step, in units of s0; STEP beyond. Steps of an eighth change the expected
# reposts of three days by a share of 3e-7 where p dbar is 0.1, 3e-6 at 0.5, 1.2e-5 at 0.8.
EARLY = ((24, 1), (144, 3))
ROWS = 20_000  # cascades solved together at most: 20 MB per array of 124 steps
QUIET = 1e-3  # reposts expected of posts that are left out
RETRIES = 20  # of a cascade that explodes: one that does so in half its draws is left in 1 of 10**6
FEW = 1e5  # reposts that a cascade may always get
NEVER = 1e7  # more reposts of one cascade than that are not followed


class Law(NamedTuple):
    """p0 of each known post: drawn, and the Gamma distribution that it was drawn from."""

    p0: np.ndarray
    shape: np.ndarray
    scale: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator, shape: np.ndarray, scale: np.ndarray) -> Law:
        """p0 from its distribution."""
        return cls(rng.standard_gamma(shape) * scale, shape, scale)


class Part(NamedTuple):
    """Cascades to be continued, as `retweet.memory.volterra` takes them."""

    rate: np.ndarray  # (cascades, steps): p by step
    reach: np.ndarray  # (cascades, steps): of the known events
    followers: np.ndarray  # (cascades,): mean of reposters to come


Again = Callable[[np.ndarray], Part]


class Ahead:
    """What of a forecast does not depend on parameters."""

    def __init__(self, model, data, edges, s0, period) -> None:
        self.edges, self.s0, self.period = edges, s0, period
        self.tail = model.tail
        self.data = data
        self.end = float(data.length)
        self.clock = np.remainder(float(data.start), period) + self.end
        self.middle, self.width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
        count = np.bincount(np.asarray(data.post), minlength=data.num_posts)
        d = np.asarray(data.followers, np.float64)
        overall = d.sum() / max(len(d), 1)
        own = np.bincount(np.asarray(data.post), d, data.num_posts)
        self.followers = (own + STRENGTH * overall) / (count + STRENGTH)
        spread = (d**2).sum() / len(d) / overall**2 - 1 if overall > 0 else 1.0
        self.spread = max(float(spread), 1e-3)
        stream = whole_cascades(data)
        self.ages = self.end - (np.asarray(data.post_times)[stream["cascade"]] + stream["age"])
        self.weights, self.owner = stream["weight"], stream["cascade"]
        self.open = np.asarray(data.until) >= self.end * (1 - 1e-9)
        self.last: dict[float, tuple[np.ndarray, np.ndarray]] = {}

    def kernel(self, theta: float) -> tuple[np.ndarray, np.ndarray]:
        """Reach of known events, and the kernel's mass between steps."""
        if theta not in self.last:
            kernel = theta, self.s0, self.tail
            events = np.maximum(self.ages, 0), self.weights, self.owner, self.data.num_posts
            reach = known_reach(self.edges, *events, *kernel)
            within = transfer(self.edges, self.edges, *kernel)
            self.last = {theta: (np.where(self.open[:, None], reach, 0), within)}
        return self.last[theta]

    def rates(self, one, born, sentiment) -> np.ndarray:
        """p / p0 of each cascade in each step, for posts at these times since the window's end."""
        tau = float(one["tau"])
        age = self.middle - born[:, None]
        half = self.width / (2 * tau)
        mean = np.where(half > 1e-4, np.sinh(np.minimum(half, 300)) / np.maximum(half, 1e-4), 1.0)
        fall = np.exp(-np.maximum(age, 0) / tau) * np.where(age > 0, mean, 1.0)
        swing = wave(one["swing"], sentiment[:, None], self.clock + self.middle, self.period)
        return np.maximum(swing, 0) * fall

    def known(self, one, law: Law, theta: float, rng) -> tuple[Part, Again, np.ndarray, float]:
        """The known posts that go on, some of them with p0 drawn once more, which they are, and
        the share in which `p dbar >= 1`.

        Posts that together are expected to bring fewer than 0.001 reposts do not go on.
        """
        levels, level = np.unique(np.asarray(self.data.sentiment), return_inverse=True)
        profile = self.rates(one, np.zeros(len(levels)), levels)  # of posts made at the end
        since = np.exp((np.asarray(self.data.post_times) - self.end) / float(one["tau"]))
        scale = np.where(self.open, law.p0 * since, 0)
        reach = self.kernel(theta)[0]
        direct = scale * (reach @ profile.T)[np.arange(len(level)), level]
        order = np.argsort(direct)
        rows = np.sort(order[np.cumsum(direct[order]) > QUIET])
        critical = float(np.mean(scale * profile[level, 0] * self.followers >= 1))
        unit = profile[level[rows]] * since[rows, None]
        part = Part(law.p0[rows, None] * unit, reach[rows], self.followers[rows])

        def again(chosen: np.ndarray) -> Part:
            own = rows[chosen]
            fresh = Law.draw(rng, law.shape[own], law.scale[own])
            return Part(fresh.p0[:, None] * unit[chosen], reach[own], self.followers[own])

        return part, again, rows, critical

    def new(self, one, born, law: Law, theta: float, rng) -> Part:
        """New posts, each like one that was seen: sentiment, author, p0 and reposters go together,
        because who is followed by many is reposted by few of them."""
        like = rng.integers(0, self.data.num_posts, len(born))
        root = np.asarray(self.data.post_followers, np.float64)[like]
        since = np.maximum(self.edges - born[:, None], 0)
        mass = np.diff(kernel_integral(since, theta, self.s0, self.tail), axis=1)
        unit = self.rates(one, born, np.asarray(self.data.sentiment)[like])
        return Part(law.p0[like, None] * unit, root[:, None] * mass, self.followers[like])


def _together(parts: Sequence[Part]) -> Part:
    return Part(*map(np.concatenate, zip(*parts, strict=True)))


class Queue:
    """Cascades of many draws solved together: their rows do not touch each other.

    Args:
        cap: reposts to come beyond which a cascade has exploded; None: ten times the largest
            cascade seen (at least 100,000) for those in which `p dbar` reaches 1, else 10^7.

    `exploded` (by draw) and `stopped` (by known post and draw) are of cascades that passed the
    cap at first and were drawn again; one that still passes it after all retries is among them,
    and kept at the cap.
    """

    def __init__(self, ahead: Ahead, rng, owner: np.ndarray, draws: int, cap: float | None):
        self.ahead, self.rng, self.owner = ahead, rng, owner
        posts, bins = ahead.data.num_posts, int(owner[-1]) + 1
        largest = float(np.max(np.bincount(ahead.data.post, minlength=1)))
        self.cap = max(10 * largest, FEW) if cap is None else cap
        self.others = NEVER if cap is None else cap
        self.mean, self.drawn = np.zeros((draws, bins)), np.zeros((draws, bins))
        self.sizes, self.stopped = np.zeros((posts, draws)), np.zeros((posts, draws), bool)
        self.exploded = np.zeros(draws, bool)
        self.parts: list[tuple[int, np.ndarray | None, Part, Again]] = []
        self.rows, self.theta = 0, np.nan

    def put(
        self, draw: int, theta: float, part: Part, again: Again, known: np.ndarray | None = None
    ) -> None:
        """Add a draw's cascades (`known`: which of the known posts they are, None for new ones);
        solve when there are many, or the kernel is another one. `again` draws rows once more."""
        if theta != self.theta or self.rows > ROWS:
            self.flush()
        self.theta = theta
        if len(part.rate):
            self.parts.append((draw, known, part, again))
            self.rows += len(part.rate)

    def flush(self) -> None:
        """Solve what has been collected; what explodes is drawn again, and counted even if it
        does not explode then."""
        if not self.parts:
            return
        starts = np.cumsum([0, *(len(part.rate) for _, _, part, _ in self.parts)])
        whole = _together([part for _, _, part, _ in self.parts])
        expected, drawn, boom = self._solve(whole)
        left = np.flatnonzero(boom)
        for _ in range(RETRIES):
            if not len(left):
                break
            owner = np.searchsorted(starts, left, side="right") - 1
            fresh = [
                self.parts[number][3](left[owner == number] - starts[number])
                for number in np.unique(owner)
            ]
            expected[left], drawn[left], still = self._solve(_together(fresh))
            left = left[still]
        for number, (draw, known, _, _) in enumerate(self.parts):
            rows = slice(starts[number], starts[number + 1])
            for sums, values in ((self.mean, expected), (self.drawn, drawn)):
                sums[draw] += np.bincount(self.owner, values[rows].sum(axis=0))
            self.exploded[draw] |= boom[rows].any()
            if known is not None:
                self.sizes[known, draw] = drawn[rows].sum(axis=1)
                self.stopped[known, draw] = boom[rows]
        self.parts, self.rows = [], 0

    def _solve(self, part: Part) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Means, draws, and which cascades exploded in either."""
        within = self.ahead.kernel(self.theta)[1]
        critical = np.max(part.rate, axis=1) * part.followers >= 1
        cap = np.where(critical, self.cap, self.others)
        expected, first = mean_reposts(*part, within, cap=cap)
        drawn, second = draw_reposts(self.rng, *part, self.ahead.spread, within, cap=cap)
        return expected, drawn, first | second


def grid_of(horizon: float, bins: int, s0: float) -> tuple[np.ndarray, np.ndarray]:
    """Steps, finer at first, that end where bins do; and the bin of each."""
    edges, owner, width = [0.0], [], horizon / bins
    for b in range(bins):
        begin, end = b * width, (b + 1) * width
        longest = next((step * s0 for until, step in EARLY if begin < until * s0), STEP * s0)
        count = max(1, int(np.ceil(width / longest - 1e-9)))
        edges.extend(np.linspace(begin, end, count + 1)[1:])
        owner.extend([b] * count)
    return np.array(edges), np.array(owner)
