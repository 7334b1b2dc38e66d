"""Laws, FLOPs and fitting: pure functions of numbers."""
