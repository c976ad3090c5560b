"""Exact Hawkes process inference for event data, on JAX.

The names are listed in `__init__.pyi`; each is imported when first asked for, so that
`hawkesjax --help` needs no jax.
"""

import lazy_loader

from hawkesjax._version import __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]
