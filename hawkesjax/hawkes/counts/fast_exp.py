"""The exponential of decay factors, where a likelihood spends most of its time."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from hawkesjax.inputs.arrays import AnyArray

LN2 = float(np.log(2))
LARGEST = 708.0  # beyond, exp leaves the normal numbers of float64
WHOLE = 1.5 * 2.0**52  # a float64 of this size keeps a small whole number in its last bits
ONE = int(np.float64(1).view(np.int64))


def _coefficients(degree: int) -> tuple[float, ...]:
    """Of (exp(r) - 1) / r on |r| <= log(2) / 2, by interpolation at Chebyshev's points."""
    fitted = np.polynomial.Chebyshev.interpolate(
        lambda r: np.expm1(r) / r, degree, domain=[-LN2 / 2, LN2 / 2]
    )
    powers = fitted.convert(kind=np.polynomial.Polynomial, domain=[-1, 1])
    return tuple(float(c) for c in powers.coef)


COEFFICIENTS = _coefficients(9)


def exp(x: Float[AnyArray, "..."]) -> Float[Array, "..."]:
    r"""`exp(x)`, in float64 at about half the time of XLA's own on a CPU.

    .. math:: e^x = 2^n e^r, \qquad n = \mathrm{round}(x / \log 2), \qquad |r| \le \log(2) / 2

    with a polynomial of degree 10 for `e^r` and the power of two from its bits. The relative
    error is below `(3 + |x|) 2.3e-16`; results below 3e-308 are 0. Float32 uses XLA's. There is
    no custom derivative rule: JAX differentiates the polynomial.
    """
    if x.dtype != jnp.float64:
        return jnp.exp(x)
    n = jnp.round(x * (1 / LN2))
    r = x - n * LN2
    value = jnp.full_like(r, COEFFICIENTS[-1])
    for coefficient in COEFFICIENTS[-2::-1]:
        value = value * r + coefficient
    power = (lax.bitcast_convert_type(n + WHOLE, jnp.int64) << 52) + ONE
    value = (1 + r * value) * lax.bitcast_convert_type(power, jnp.float64)
    return jnp.where(jnp.abs(x) > LARGEST, jnp.where(x > 0, jnp.inf, 0), value)
