"""The retweet model in plain NumPy, event by event, from its mathematics."""

import itertools

import numpy as np

NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
ALWAYS = ((0.0, np.inf),)  # what is watched of a record without gaps, since the window's start


def psi(s, theta, s0, tail=1.0):
    c = theta / (s0 * (1 + theta))
    return c * np.where(s <= s0, 1.0, tail * (np.maximum(s, s0) / s0) ** -(1 + theta))


def integral(function, low, high, s0):
    """Piece by piece between low, high and the doublings of s0 and quarters of a day between."""
    edges = {low, high}
    step = s0
    while step < high:
        edges.add(step)
        step = step + min(step, 0.25)
    edges = sorted(edge for edge in edges if low <= edge <= high)
    total = 0.0
    for a, b in itertools.pairwise(edges):
        total += (b - a) / 2 * WEIGHTS @ function((a + b) / 2 + (b - a) / 2 * NODES)
    return total


def exposures(
    ages, weights, cascade, posts, until, phase, tau, theta, s0, period, tail=1.0, watched=ALWAYS
):
    """A_i, and real and imaginary part of B_i, by 40-point quadrature of every event's pieces."""
    out = np.zeros((len(posts), 3))
    w = 2 * np.pi / period
    for (age, weight, i), (begin, end) in itertools.product(
        zip(ages, weights, cascade, strict=True), watched
    ):
        time = posts[i] + age
        low, high = max(begin - time, 0.0), min(end, until[i]) - time
        if weight == 0 or high <= low or until[i] <= 0:
            continue

        def plain(u, age=age):
            return psi(u, theta, s0, tail) * np.exp(-(age + u) / tau)

        def turned(u, wave, time=time, plain=plain):
            return plain(u) * wave(w * (time + u + phase))

        out[i] += weight * np.array(
            [
                integral(plain, low, high, s0),
                integral(lambda u, f=turned: f(u, np.cos), low, high, s0),
                integral(lambda u, f=turned: f(u, np.sin), low, high, s0),
            ]
        )
    return out


def sum_log_reach(ages, weights, first, counted, theta, s0, tail=1.0):
    out = np.zeros(len(first))
    last = np.append(first[1:], len(ages))
    for i, (a, b) in enumerate(zip(first, last, strict=True)):
        for j in range(a, b):
            if counted[j]:
                gaps = ages[j] - ages[a:j]
                far = np.maximum(gaps, s0) / s0
                kernel = np.where(gaps > s0, tail * far ** -(1 + theta), 1.0)
                out[i] += np.log(weights[a:j] @ kernel * theta / (s0 * (1 + theta)))
    return out


def log_likelihood(data, beta, p0, r0, phi0, tau, theta, s0, period, tail=1.0, watched=ALWAYS):
    """The whole log-likelihood with p0 of each post given, and the exposures L."""
    total = 0.0
    start, length = float(data.start), float(data.length)
    seen = np.array([any(a <= t <= b for a, b in watched) for t in data.post_times])
    spans = [(start + a, start + min(b, length)) for a, b in watched]
    if data.covariates is None:
        rates = np.exp(beta[0])
        total += np.sum(seen) * beta[0] - sum(b - a for a, b in spans) * rates
    else:
        edges, values = data.covariates.edges, data.covariates.values
        for low, high, row in zip(edges[:-1], edges[1:], values, strict=True):
            shared = sum(max(min(high, b) - max(low, a), 0.0) for a, b in spans)
            total -= shared * np.exp(row @ beta)
        for time in start + data.post_times[seen]:
            cell = min(np.searchsorted(edges, time, side="right") - 1, len(values) - 1)
            total += values[cell] @ beta
    reach = []
    w = 2 * np.pi / period
    for i in range(data.num_posts):
        own = data.post == i
        ages = np.concatenate([[0.0], data.ages[own]])
        weights = np.concatenate([[data.post_followers[i]], data.followers[own]])
        inside = np.concatenate([[False], data.times[own] >= 0])
        zero = np.array([0])
        total += sum_log_reach(ages, weights, zero, inside, theta, s0, tail)[0]
        clock = start + data.times[own & (data.times >= 0)]
        total += np.log(1 - data.sentiment[i] * r0 * np.sin(w * (clock + phi0))).sum()
        total += inside.sum() * np.log(p0[i]) - ages[inside].sum() / tau
        plain, real, imaginary = exposures(
            ages,
            weights,
            np.zeros(len(ages), int),
            data.post_times[i : i + 1],
            data.until[i : i + 1],
            start,
            tau,
            theta,
            s0,
            period,
            tail,
            watched,
        )[0]
        turned = np.cos(w * phi0) * imaginary + np.sin(w * phi0) * real
        reach.append(plain - data.sentiment[i] * r0 * turned)
        total -= p0[i] * reach[-1]
    return total, np.array(reach)
