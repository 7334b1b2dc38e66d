"""What may be promised of a student: the bound, the contract, the cascade and the audit."""
