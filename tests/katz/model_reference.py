"""The Katz spike model in plain NumPy, written from the mathematics alone: dense, user by user."""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import gammaln, logsumexp

import hawkesjax as hj


def random_log(rng, num_users=9, num_bins=25, edges=0.25, active=0.15, weighted=False, most=3):
    """A dense network (listener by sender) and posts (user by bin)."""
    network = (rng.random((num_users, num_users)) < edges).astype(float)
    np.fill_diagonal(network, 0)
    if weighted:
        network *= rng.integers(1, 4, network.shape)
    posts = (rng.random((num_users, num_bins)) < active) * rng.integers(
        1, most + 1, (num_users, num_bins)
    )
    return network, posts


def activity_of(network, posts, fit, *, names=None):
    """The same as an `Activity`."""

    size = len(network)
    names = [f"u{i}" for i in range(size)] if names is None else names
    listener, sender = np.nonzero(network)
    bare = hj.Activity.from_matrix(
        (
            np.array(names)[listener],
            np.array(names)[sender],
            network[listener, sender],
        ),
        pd.Series(np.ones(size), index=names),
    )
    bins, users = np.nonzero(posts.T)
    return replace(
        bare,
        active_user=users.astype(np.int32),
        active_bin=bins.astype(np.int32),
        active_posts=posts[users, bins],
        volume=posts.sum(axis=0),
        unseen=np.zeros(posts.shape[1], int),
        heard=np.zeros(posts.shape[1]),
        fit=fit,
    )


def heard(network, sent, memory):
    """r[i, k] = sum_j A_ij h_j[k-1], what user i hears before bin k; nothing before bin 0."""
    state = np.zeros(len(network))
    out = np.zeros(sent.shape)
    for k in range(sent.shape[1]):
        out[:, k] = network @ state
        state = memory * state + sent[:, k]
    return out


def factors(posts, fit, common_factor, link):
    first, last = fit
    if common_factor is None:
        g = np.ones(last - first)
    elif common_factor == "volume":
        counted = posts if link == "poisson" else posts > 0
        volume = counted[:, first:last].sum(axis=0)
        g = np.array([np.exp(0.1 * np.round(np.log(v) / 0.1)) if v else 0.0 for v in volume])
    else:
        g = np.asarray(common_factor, float)
    return g / g.mean()


def user_terms(network, posts, fit, b, alpha, *, link, form, memory=0.0, common_factor=None):
    """log-likelihood of each user, by a sum over all its bins; b is (N,), (N, nodes), or one for
    each user and bin of the log."""
    first, last = fit
    sent = posts if link == "poisson" else (posts > 0).astype(float)
    r = heard(network, sent, memory)
    g = factors(posts, fit, common_factor, link)
    b = np.asarray(b, float)
    moving = b.shape == posts.shape
    nodes = b if b.ndim == 2 and not moving else b[:, :1] if moving else b[:, None]
    total = np.zeros(nodes.shape)
    for i in range(len(network)):
        for k in range(first, last):
            own = g[k - first] * (b[i, k] if moving else nodes[i])
            eta = own + alpha * r[i, k] if form == "additive" else own * (1 + alpha * r[i, k])
            y = posts[i, k]
            with np.errstate(divide="ignore"):
                if link == "poisson":
                    total[i] += (y * np.log(eta) if y else 0) - eta - gammaln(y + 1)
                elif link == "hazard":
                    total[i] += np.log(-np.expm1(-eta)) if y else -eta
                else:
                    p = np.minimum(eta, 1)
                    total[i] += np.log(p) if y else np.log1p(-p)
    return total if b.ndim == 2 and not moving else total[:, 0]


def integrated_terms(network, posts, fit, alpha, shape, mean, **options):
    """The same with b_i ~ Gamma(shape, mean) integrated out, by fine trapezoids in log b."""
    u = np.linspace(np.log(mean) - 40 / shape, np.log(mean) + 8, 20001)
    b = np.broadcast_to(np.exp(u), (len(network), len(u)))
    rate = shape / mean
    prior = shape * np.log(rate) - gammaln(shape) + shape * u - rate * np.exp(u)
    logs = user_terms(network, posts, fit, b, alpha, **options) + prior
    return logsumexp(logs, axis=1) + np.log(u[1] - u[0])
