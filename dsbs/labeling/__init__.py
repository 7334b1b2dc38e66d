"""From examples to a data set of answers: what is asked, what it costs, how answers are read."""
