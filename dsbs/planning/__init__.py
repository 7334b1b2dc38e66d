"""The questions of `dsbs plan`, each with its answer as a type and one function that gives it.

`views/` has the tables and figures of each answer. docs/planner.md has a map.
"""
