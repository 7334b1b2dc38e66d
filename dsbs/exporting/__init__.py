"""From a student to a folder for another run-time, with proof that it gives the same labels."""
