"""A model as a numpyro program."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist

from hawkesjax.core.compiled import likelihood_inside


def run(model: Any, data: Any) -> None:
    """Sample a model's parameters over prepared data. A free entry of a parameter with fixed or
    tied entries has its prior as a factor; derived quantities are kept."""
    structures, params = model.structures(data), {}
    for name, prior in model.sites(data).items():
        one, prior = structures.get(name), model.conditioned(name, prior, params)
        if one is None:
            params[name] = numpyro.sample(name, prior)
            continue
        free = jnp.zeros(0, data.dtype)
        if one.size:
            flat = dist.ImproperUniform(prior.support, (), (one.size,))
            free = numpyro.sample(name, flat)
        params[name] = one.expand(free)
        numpyro.factor(f"{name}_prior", jnp.sum(one.reduce(prior.log_prob(params[name]))))
    for name, value in model.derived(params, data).items():
        numpyro.deterministic(name, value)
    numpyro.factor("log_likelihood", likelihood_inside(model, params, data))
