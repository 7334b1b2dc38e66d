"""T5 computed in fewer passes over memory."""
