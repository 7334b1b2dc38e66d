"""Sizes as people write them: 7B, 770M, 2.2e8, 10k."""

import math
import re

_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}


def parse_size(text: object) -> float:
    """The number that a size stands for: text such as 7B, 770M, 2.2e8 or 1_000, or a number.

    >>> parse_size("2.2B")
    2200000000.0

    Raises:
        ValueError: where it is not a number above 0; its message says what a size looks like.
    """
    match = re.fullmatch(r"([-+.\d_]+(?:e[-+]?\d+)?) ?([kmbt]?)", str(text).strip().lower())
    try:
        # Rounded, because 0.07 * 1e9 is not quite 7e7.
        size = float(f"{float(match[1]) * _UNITS[match[2]]:.15g}") if match else math.nan
    except ValueError:
        size = math.nan
    if not 0 < size < math.inf:
        raise ValueError("a number above 0 such as 7B, 770M, 2.2e8 or 10k")
    return size


def show_size(size: float) -> str:
    """Three digits and a unit; a power of ten where no unit is large enough, as in 1.36e+16.

    >>> show_size(1911964000)
    '1.91B'
    """
    if not 1e3 <= size < 1e15:
        return f"{size:.3g}"
    unit = next(name for name in reversed(_UNITS) if size >= 0.9995 * _UNITS[name])
    digits = f"{size / _UNITS[unit]:.3g}"
    return f"{float(digits):g}{unit.upper().replace('K', 'k')}"
