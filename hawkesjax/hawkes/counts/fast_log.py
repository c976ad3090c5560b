"""The sum of many logarithms, at the cost of a few."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from hawkesjax.inputs.arrays import AnyArray

TOGETHER = 64  # mantissas below 2 in a product, which stays below 2^64
MANTISSA = 52


@jax.custom_jvp
def log_sum(x: Float[AnyArray, " values"]) -> Float[Array, ""]:
    r"""`sum(log(x))` of positive, normal numbers.

    .. math:: \sum_n \log x_n = \log 2 \sum_n e_n + \sum_g \log \prod_{n \in g} m_n,
              \qquad x_n = 2^{e_n} m_n, \quad 1 \le m_n < 2

    In float64 the exponents and mantissas are taken from the bits, and one logarithm serves up to
    64 numbers; a number that is infinite or NaN makes the sum so. Float32 takes every logarithm.
    """
    if x.dtype != jnp.float64 or x.shape[0] < TOGETHER:
        return jnp.sum(jnp.log(x))
    bits = lax.bitcast_convert_type(x, jnp.int64)
    exponents = jnp.sum((bits >> MANTISSA) - 1023)
    bits = (bits & ((1 << MANTISSA) - 1)) | (1023 << MANTISSA)
    mantissas = lax.bitcast_convert_type(bits, jnp.float64)
    spare = -x.shape[0] % TOGETHER
    mantissas = jnp.pad(mantissas, (0, spare), constant_values=1).reshape(TOGETHER, -1)
    logs = jnp.sum(jnp.log(jnp.prod(mantissas, axis=0)))
    total = logs + exponents.astype(x.dtype) * np.log(2)
    whole = jnp.sum(x)
    return jnp.where(jnp.isfinite(whole), total, whole)


@log_sum.defjvp
def _log_sum_jvp(primals, tangents):
    return log_sum(primals[0]), jnp.sum(tangents[0] / primals[0])
