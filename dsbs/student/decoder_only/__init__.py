"""Decoder-only students: one sequence of input, task marker and target."""
