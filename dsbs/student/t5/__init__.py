"""T5 computed in fewer passes over memory, with the same results."""
