"""How good a student is on a split."""
