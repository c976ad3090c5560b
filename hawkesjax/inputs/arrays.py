"""What annotations call an array that may lie on the host or on a device."""

import jax
import numpy as np

AnyArray = jax.Array | np.ndarray
Scalar = AnyArray | np.floating  # of no dimensions: NumPy makes numbers of its own of them
