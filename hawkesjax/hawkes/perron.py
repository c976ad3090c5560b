"""The spectral radius of a non-negative matrix, with its derivative."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from hawkesjax.inputs.arrays import AnyArray


@jax.custom_jvp
def spectral_radius(matrix: Float[AnyArray, "*batch n n"]) -> Float[Array, "*batch"]:
    r"""Spectral radius of a non-negative matrix.

    The Perron root is found by repeated squaring of `I + A`, scaled at each step: 40 squarings are
    2^40 power iterations. Its derivative is `y dA x / (y x)` with the left and right Perron
    vectors y and x (Horn and Johnson, Matrix Analysis, theorem 6.3.12).

    Args:
        matrix: non-negative square matrix or a batch of them.

    Returns:
        The largest modulus of an eigenvalue; 0 for the zero matrix.
    """
    return _perron(matrix)[0]


@spectral_radius.defjvp
def _spectral_radius_jvp(primals, tangents):
    (matrix,), (tangent,) = primals, tangents
    right = _perron(matrix)[1]
    left = _perron(jnp.swapaxes(matrix, -1, -2))[1]
    moved = jnp.einsum("...i,...ij,...j->...", left, tangent, right)
    return spectral_radius(matrix), moved / jnp.sum(left * right, axis=-1)


def _perron(matrix):
    shifted = matrix + jnp.eye(matrix.shape[-1], dtype=matrix.dtype)

    def square(_, power):
        power = power @ power
        return power / jnp.max(power, axis=(-1, -2), keepdims=True)

    power = shifted / jnp.max(shifted, axis=(-1, -2), keepdims=True)
    power = jax.lax.fori_loop(0, 40, square, power)
    vector = jnp.sum(power, axis=-1)
    vector = vector / jnp.sum(vector, axis=-1, keepdims=True)
    return jnp.sum(jnp.einsum("...ij,...j->...i", matrix, vector), axis=-1), vector
