"""Annotations for arrays that may be on the host or on a device."""

import jax
import numpy as np

AnyArray = jax.Array | np.ndarray
HostArray = np.ndarray | np.generic  # NumPy turns arrays without dimensions into numbers
Scalar = AnyArray | np.floating
