"""Measurements of what users feel; see README.md beside this file."""

import os

# Before NumPy loads them: threads of BLAS that wait for work spin, which counts as time of the CPU
# and, on a core that they share, halves the speed of everything else.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
