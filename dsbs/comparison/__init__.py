"""What is compared and what may be said of it: the cells of a grid, statistics, claims, and the words for them."""
