"""Random numbers on the host from a PRNG key."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from hawkesjax.inputs.arguments import prng_key


def generator(key: Any) -> np.random.Generator:
    """A NumPy generator seeded by a JAX key.

    Raises:
        ValueError: if `key` is not a single PRNG key.
    """
    return np.random.default_rng(np.asarray(jax.random.key_data(prng_key(key, "key"))))
