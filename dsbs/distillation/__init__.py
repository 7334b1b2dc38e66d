"""What a student learns: methods, ensembles of teachers, the training set."""
