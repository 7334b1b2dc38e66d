"""Rows of people's files, as examples in splits."""
