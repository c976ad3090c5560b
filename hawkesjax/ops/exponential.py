"""The exponential of decay factors, where most of the time of a likelihood goes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

LN2 = float(np.log(2))
LARGEST = 708.0  # beyond, exp leaves the normal numbers of float64
WHOLE = 1.5 * 2.0**52  # a float64 of this size keeps a small whole number in its last bits


def _coefficients(degree: int) -> tuple[float, ...]:
    """Of (exp(r) - 1) / r on |r| <= log(2) / 2, by interpolation in Chebyshev's points."""
    fitted = np.polynomial.Chebyshev.interpolate(
        lambda r: np.expm1(r) / r, degree, domain=[-LN2 / 2, LN2 / 2]
    )
    powers = fitted.convert(kind=np.polynomial.Polynomial, domain=[-1, 1])
    return tuple(float(c) for c in powers.coef)


COEFFICIENTS = _coefficients(9)


@jax.custom_jvp
def exp(x: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""`exp(x)`, in float64 at half the time of XLA's own on a CPU.

    .. math:: e^x = 2^n e^r, \qquad n = \mathrm{round}(x / \log 2), \qquad |r| \le \log(2) / 2

    with a polynomial of degree 10 for `e^r` and `n` added to the exponent's bits. The relative
    error is below `(2 + |x|) 2e-16`; results below 2^-1021 are 0. Float32 takes XLA's.
    """
    if x.dtype != jnp.float64:
        return jnp.exp(x)
    n = jnp.round(x * (1 / LN2))
    r = x - n * LN2
    value = jnp.full_like(r, COEFFICIENTS[-1])
    for coefficient in COEFFICIENTS[-2::-1]:
        value = value * r + coefficient
    bits = lax.bitcast_convert_type(1 + r * value, jnp.int64)
    bits += lax.bitcast_convert_type(n + WHOLE, jnp.int64) << 52
    inside = jnp.abs(x) < LARGEST
    return jnp.where(
        inside, lax.bitcast_convert_type(bits, jnp.float64), jnp.where(x < 0, 0, x * jnp.inf)
    )


@exp.defjvp
def _exp_jvp(primals, tangents):
    value = exp(*primals)
    return value, value * tangents[0]
