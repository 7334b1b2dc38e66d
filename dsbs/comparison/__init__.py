"""Comparing students: the cells of a grid, their training, statistics, claims, and findings."""
