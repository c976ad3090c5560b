"""First derivatives in both modes, and second ones forward over reverse, as `jax.hessian` does."""

import jax
from jax.test_util import check_grads


def check_derivatives(function, args):
    """Compare with finite differences."""
    check_grads(jax.jit(function), args, order=1)
    gradient = jax.jit(jax.grad(function, argnums=tuple(range(len(args)))))
    check_grads(gradient, args, order=1, modes=["fwd"])
