"""Random numbers on the host from a PRNG key."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np


def generator(key: Any) -> np.random.Generator:
    """A NumPy generator seeded by a jax key.

    Raises:
        ValueError: when `key` is not one PRNG key.
    """
    try:
        data = np.asarray(jax.random.key_data(key))
    except (TypeError, ValueError, AttributeError):
        data = np.empty((0, 0))
    if data.ndim != 1 or not np.issubdtype(data.dtype, np.unsignedinteger):
        raise ValueError("key must be one PRNG key, such as jax.random.key(0).")
    return np.random.default_rng(data)
