"""From examples to a data set of answers: what is asked, of whom, what it costs, and how the answers are read."""
