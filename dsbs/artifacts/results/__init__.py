"""The results that each stage leaves in its manifest: one model per stage."""
