"""The questions of `dsbs plan`, one file each (answer, tables, charts), and what they share; docs/planner.md has a map."""
