"""One figure, one table, and how both are drawn."""
