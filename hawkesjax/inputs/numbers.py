"""Numbers as people read them."""

from __future__ import annotations

import numpy as np


def number(value: float) -> str:
    """Four significant digits, without powers of ten where possible."""
    if not np.isfinite(value):
        return "-" if np.isnan(value) else str(value)
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        places = 3 - int(np.floor(np.log10(abs(value)))) if value else 3
        return f"{value:,.{min(max(places, 0), 6)}f}"
    return f"{value:.2e}"
