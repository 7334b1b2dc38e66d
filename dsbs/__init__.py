"""Distilling step-by-step: turn a large language model into a small model of your own.

The Python API is `dsbs.api`.
"""

from dsbs.core.version import __version__

__all__ = ["__version__"]
