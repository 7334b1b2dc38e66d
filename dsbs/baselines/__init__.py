"""Models that need no training of a network: what a student must beat to be worth its price."""
