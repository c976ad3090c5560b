"""Slow, obvious references in plain NumPy, written from the mathematics alone."""

import numpy as np


def random_events(rng, num_marks, counts, duration=10.0, ties=True):
    """Sequences of random marked events; `counts[m]` events in sequence m, some of them tied."""
    times, marks, sequence = [], [], []
    for m, count in enumerate(counts):
        t = np.sort(rng.uniform(0, duration, count))
        if ties and count > 3:
            t = np.sort(np.round(t, 1))
        times.append(t)
        marks.append(rng.integers(0, num_marks, count))
        sequence.append(np.full(count, m))
    return np.concatenate(times), np.concatenate(marks), np.concatenate(sequence)


def counts(times, marks, sequence, gamma):
    """R[n, j], the decayed number of strictly earlier events of mark j, by the double sum."""
    num_marks = gamma.shape[0]
    out = np.zeros((len(times), num_marks))
    for n in range(len(times)):
        for k in range(len(times)):
            if sequence[k] == sequence[n] and times[k] < times[n]:
                j = marks[k]
                out[n, j] += np.exp(-gamma[marks[n], j] * (times[n] - times[k]))
    return out


def intensities(times, marks, sequence, mu, alpha, gamma):
    """lambda of each event's own mark just before the event."""
    out = np.zeros(len(times))
    for n in range(len(times)):
        i = marks[n]
        out[n] = mu[sequence[n], i]
        for k in range(len(times)):
            if sequence[k] == sequence[n] and times[k] < times[n]:
                j = marks[k]
                lag = times[n] - times[k]
                out[n] += alpha[i, j] * gamma[i, j] * np.exp(-gamma[i, j] * lag)
    return out


def compensator(times, marks, sequence, mu, alpha, gamma, durations, exact=True):
    """Expected number of events of each mark in each sequence, given the history."""
    durations = np.asarray(durations, float)
    out = mu * durations[:, None]
    for t, j, m in zip(times, marks, sequence, strict=True):
        for i in range(mu.shape[1]):
            edge = np.exp(-gamma[i, j] * (durations[m] - t)) if exact else 0.0
            out[m, i] += alpha[i, j] * (1 - edge)
    return out


def log_likelihood(times, marks, sequence, mu, alpha, gamma, durations, exact=True):
    """The exact log-likelihood of all sequences, by double sums."""
    rates = intensities(times, marks, sequence, mu, alpha, gamma)
    total = compensator(times, marks, sequence, mu, alpha, gamma, durations, exact)
    return np.sum(np.log(rates)) - np.sum(total)


def expected_within(times, marks, sequence, params, terms, low, high, m):
    """Of each mark in sequence m, within [low, high], by closed forms event by event."""
    out = params["mu"][m] * (high - low)
    for t, j, owner in zip(times, marks, sequence, strict=True):
        if owner == m and t < high:
            begin = max(low, t)
            for share, gamma in terms:
                rates = gamma[:, j]
                left = np.exp(-rates * (begin - t)) - np.exp(-rates * (high - t))
                out = out + share * params["alpha"][:, j] * left
    return out


def log_likelihood_of_pieces(times, marks, sequence, params, terms, pieces):
    """Of sequences watched in pieces, by double sums; events before a sequence's first piece are
    given, and excite. A kernel is the sum of `terms`, pairs of a share and decays by pair."""
    total = 0.0
    for n in range(len(times)):
        m, i = sequence[n], marks[n]
        if times[n] < pieces[m][0][0]:
            continue
        rate = params["mu"][m, i]
        for k in np.flatnonzero((sequence == m) & (times < times[n])):
            for share, gamma in terms:
                g = gamma[i, marks[k]]
                lag = times[n] - times[k]
                rate += share * params["alpha"][i, marks[k]] * g * np.exp(-g * lag)
        total += np.log(rate)
    for m, watched in enumerate(pieces):
        for low, high in watched:
            total -= expected_within(times, marks, sequence, params, terms, low, high, m).sum()
    return total
