"""Scores of predictions and of label probabilities."""
