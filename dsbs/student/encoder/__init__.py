"""Encoder students: they read the input and score the allowed labels."""
