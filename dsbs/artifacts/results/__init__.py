"""What each stage leaves in its manifest: one model per stage, written and read by the same code."""
