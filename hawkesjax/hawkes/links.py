r"""Links from the sum of effects to the rate: `lambda = g(mu + sum of effects)`.

Between events the inner sum of target i is :math:`x(s) = b + \sum_k A_k e^{-\rho_k s}`, with s the
time since the last event, b the baseline and amplitudes of either sign.

- `"rectified"`, `g(x) = max(x, 0)`;
- `"softplus"`, `g(x) = c log(1 + exp(x / c))` with `c = 0.2 mu`, a fifth of the mark's own
  baseline: smooth, independent of the unit of time, and nearly the identity before any event
  (`g(mu) = 1.0013 mu`); `g(0) = 0.139 mu`.

Source: Bremaud and Massoulie (1996), Ann. Probab. 24, 1563-1588 (existence); Bonnet, Martinez
Herrera and Sangnier (2021), Stat. Probab. Lett. 179, 109214, and (2023), Stat. Comput. 33, 91 (the
rectified link's exact compensator with one decay for each target).
"""

from __future__ import annotations

from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from hawkesjax.inputs.arrays import AnyArray

Link = Literal["identity", "rectified", "softplus"]

SHARPNESS = 0.2  # scale of the softplus over mu
PANELS = 12  # parts of an interval that are searched for a root
BRACKETED = 8  # steps of the search for a root
NODES = 32  # of the quadrature over an interval
DEEP = -60.0  # below this log(1 + e^z) equals e^z, in either precision


def rate(link: Link, inner: Any, mu: Any, *, host: bool = False) -> Any:
    """g of inner sums, with the baseline that gives the softplus its scale; NumPy on the host."""
    xp: Any = np if host else jnp
    if link == "identity":
        return inner
    positive = xp.maximum(inner, 0)
    if link == "rectified":
        return positive
    scale = _scale(mu, xp)
    return positive + scale * xp.log1p(xp.exp(-xp.abs(inner) / scale))


def log_rate(link: Link, inner: Any, mu: Any) -> Any:
    """log g of inner sums; minus infinity, with slopes of 0, where the rectified rate is 0."""
    if link == "softplus":
        scale = _scale(mu, jnp)
        z = inner / scale
        deep = z < DEEP
        mild = jnp.where(deep, 0, z)
        return jnp.log(scale) + jnp.where(deep, z, jnp.log(jax.nn.softplus(mild)))
    some = inner > 0
    return jnp.where(some, jnp.log(jnp.where(some, inner, 1)), -jnp.inf)


def _scale(mu: Any, xp: Any) -> Any:
    """The softplus's scale; above 0, so that a baseline of 0 gives the rectified link."""
    mu = xp.asarray(mu)
    return xp.maximum(SHARPNESS * mu, float(np.finfo(mu.dtype).tiny) ** 0.25)


def integral(
    link: Link,
    mu: Float[AnyArray, "intervals marks"],
    amplitude: Float[AnyArray, "intervals marks terms"],
    decay: Float[AnyArray, "#marks terms"],
    length: Float[AnyArray, " intervals"],
) -> Float[Array, "intervals marks"]:
    r"""`int_0^l g(x(s)) ds` of each interval and mark.

    Cost and accuracy:

    - rectified, one term: x crosses 0 at most once, upwards, and the integral is in closed form;
    - rectified, several terms: the integral is in closed form between the roots of x. They are
      sought where x changes sign between the ends of `PANELS` panels, equal in the log of time;
      a sum of T exponentials and a constant has at most T roots. Two roots within one panel are
      missed, and with them the area between them. Measured over 20,000 random sums of 2 to 6
      terms of both signs (with 8 panels; 12 are used): relative error below 1e-9 in 99.9 %, at
      most 0.7 %, and 2e-6 for their total;
    - softplus: Gauss-Legendre with `NODES` nodes, equal in the log of time. Measured over the same,
      with effects far stronger than the baseline: relative error 1e-11 in the median, below 0.13 %
      in 99 %, at most 2.6 %, and 1.4e-6 for their total.

    Args:
        link: name of the link.
        mu: (N, D) b, events per unit of time.
        amplitude: (N, D, T) A.
        decay: (D or 1, T) rho, 1 / unit of time.
        length: (N,) l.
    """
    if link == "softplus":
        return _quadrature(mu, amplitude, decay, length)
    if amplitude.shape[-1] == 1:
        return _one_crossing(mu, amplitude[..., 0], decay[..., 0], length[:, None])
    return _between_roots(mu, amplitude, decay, length)


def _one_crossing(mu: Any, amplitude: Any, decay: Any, length: Any) -> Array:
    """The rectified integral of `mu + A exp(-rho s)`, with mu of 0 or more."""
    low = amplitude < -mu
    never = low & ~(mu > 0)
    ratio = jnp.where(low & ~never, -amplitude, 1) / jnp.where(low & ~never, mu, 1)
    start = jnp.where(never, length, jnp.minimum(jnp.log(ratio) / decay, length))
    left = length - start
    return mu * left + amplitude * jnp.exp(-decay * start) * -jnp.expm1(-decay * left) / decay


def _between_roots(mu: Any, amplitude: Any, decay: Any, length: Any) -> Array:
    """The rectified integral, summed between roots."""
    fixed = jax.lax.stop_gradient((mu, amplitude, decay, length))
    at = _graded(fixed[2], length, jnp.linspace(0.0, 1.0, PANELS + 1, dtype=mu.dtype))[0]
    above = _inner(*fixed[:3], at) > 0
    changed = above[..., 1:] != above[..., :-1]
    order = jnp.cumsum(changed, axis=-1)
    count = min(amplitude.shape[-1], PANELS)
    total = jnp.where(above[..., -1], _area(mu, amplitude, decay, length[:, None]), 0)

    def add(total, number):
        chosen = jnp.argmax(changed & (order == number), axis=-1, keepdims=True)
        there = order[..., -1] >= number
        low, high, rising = (
            jnp.take_along_axis(part, chosen, axis=-1)[..., 0]
            for part in (at[..., :-1], at[..., 1:], above[..., 1:])
        )
        root = jax.lax.stop_gradient(_bracketed(*fixed[:3], low, high, rising))
        # One more step carries the root's derivatives; the integral needs only the second.
        value, slope = _with_slope(mu, amplitude, decay, root)
        steep = there & (slope != 0)
        step = jnp.where(steep, value / jnp.where(steep, slope, 1), 0)
        root = jnp.where(jnp.abs(step) <= high - low, root - step, root)
        area = _area(mu, amplitude, decay, root)
        return total + jnp.where(there, jnp.where(rising, -area, area), 0), None

    return jax.lax.scan(add, total, jnp.arange(1, count + 1))[0]


def _bracketed(mu, amplitude, decay, low, high, rising):
    """A root between two times: Newton steps, or bisection where they leave the bracket."""

    def move(_, ends):
        low, high, at = ends
        value, slope = _with_slope(mu, amplitude, decay, at)
        late = (value > 0) == rising
        low, high = jnp.where(late, low, at), jnp.where(late, at, high)
        new = at - value / jnp.where(slope != 0, slope, 1)
        inside = (slope != 0) & (new >= low) & (new <= high)
        return low, high, jnp.where(inside, new, (low + high) / 2)

    return jax.lax.fori_loop(0, BRACKETED, move, (low, high, (low + high) / 2))[2]


def _quadrature(mu: Any, amplitude: Any, decay: Any, length: Any) -> Array:
    """The softplus integral at nodes that are equal in the log of time."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    at, stretch = _graded(
        jax.lax.stop_gradient(decay), length, jnp.asarray((nodes + 1) / 2, mu.dtype)
    )
    inner = _inner(mu, amplitude, decay, at)
    values = rate("softplus", inner, mu[..., None]) * stretch
    return values @ jnp.asarray(weights / 2, mu.dtype)


def _graded(decay: Any, length: Any, share: Any) -> tuple[Array, Array]:
    """Times `(e^(c u) - 1) / rho` at shares u of the log, rho the fastest decay; and their
    derivative in u."""
    fastest = jnp.max(decay, axis=-1)[..., None]
    length = length[:, None, None]
    reach = jnp.log1p(fastest * length)
    at = jnp.minimum(jnp.expm1(reach * share) / fastest, length)
    return jnp.where(share == 1, length, at), reach * jnp.exp(reach * share) / fastest


def _inner(mu: Any, amplitude: Any, decay: Any, at: Any) -> Array:
    """x of each interval and mark at several times."""
    terms = jnp.exp(-decay[..., None, :] * at[..., None])
    return mu[..., None] + jnp.sum(amplitude[..., None, :] * terms, axis=-1)


def _with_slope(mu: Any, amplitude: Any, decay: Any, at: Any) -> tuple[Array, Array]:
    """x at one time, and its derivative there."""
    terms = amplitude * jnp.exp(-decay * at[..., None])
    return mu + jnp.sum(terms, axis=-1), -jnp.sum(decay * terms, axis=-1)


def _area(mu: Any, amplitude: Any, decay: Any, at: Any) -> Array:
    """The integral of x from 0 on."""
    terms = -amplitude * jnp.expm1(-decay * at[..., None]) / decay
    return mu * at + jnp.sum(terms, axis=-1)
