"""What `plan` answers with: sizes, costs, curves and fits. Each question is a module of its own name."""
