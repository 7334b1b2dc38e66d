"""Tables and figures of the planner's answers, one file for each question."""
