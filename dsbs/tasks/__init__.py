"""A task as data: labels, prompts, and how answers are read."""
