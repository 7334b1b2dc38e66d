"""Distilling step-by-step: turn a large language model into a small model of your own. The Python API is `dsbs.api`."""

__version__ = "0.1.0"
