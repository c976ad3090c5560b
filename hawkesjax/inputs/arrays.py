"""What annotations call an array that may lie on the host or on a device."""

import jax
import numpy as np

AnyArray = jax.Array | np.ndarray
HostArray = np.ndarray | np.generic  # NumPy makes numbers of arrays without dimensions
Scalar = AnyArray | np.floating
