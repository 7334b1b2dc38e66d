"""A server that answers calls with a student, and with its teacher where the contract wants it."""
