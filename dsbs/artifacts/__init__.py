"""What runs leave on disk: run folders, answers, data sets of answers, predictions."""
