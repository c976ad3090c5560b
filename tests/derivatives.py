"""First derivatives in both modes, and second ones forward over reverse, as `jax.hessian` does."""

import jax
import jax.numpy as jnp
import numpy as np

STEP, CLOSE = (1e-4, 1e-5) if jax.config.jax_enable_x64 else (1e-2, 2e-2)


def check_derivatives(function, args):
    """Compare with central differences of a real function along one random direction.

    All derivatives come from one compiled program, which the differences run twice more: the
    checks of `jax.test_util` compile piece by piece, which took most of a file's time.
    """
    leaves, tree = jax.tree.flatten(args)
    rng = np.random.default_rng(0)
    leaves = [jnp.asarray(leaf, jnp.result_type(float)) for leaf in leaves]
    direction = [jnp.asarray(rng.normal(size=leaf.shape), leaf.dtype) for leaf in leaves]

    def value(*leaves):
        return function(*jax.tree.unflatten(tree, leaves))

    @jax.jit
    def derivatives(leaves, direction):
        gradient = jax.grad(value, argnums=tuple(range(len(leaves))))
        return (
            *jax.jvp(value, leaves, direction),
            *jax.jvp(gradient, leaves, direction),
        )

    def at(step):
        moved = [x + step * v for x, v in zip(leaves, direction, strict=True)]
        return derivatives(tuple(moved), tuple(direction))

    (value_up, _, gradient_up, _), (value_down, _, gradient_down, _) = at(STEP), at(-STEP)
    _, slope, gradient, bend = at(0.0)
    close = {"rtol": CLOSE, "atol": CLOSE}
    np.testing.assert_allclose(slope, (value_up - value_down) / (2 * STEP), **close)
    forward = sum(np.sum(g * v) for g, v in zip(gradient, direction, strict=True))
    np.testing.assert_allclose(forward, slope, rtol=CLOSE * 1e-3, atol=CLOSE * 1e-3)
    for up, down, second in zip(gradient_up, gradient_down, bend, strict=True):
        np.testing.assert_allclose(second, (up - down) / (2 * STEP), **close)
