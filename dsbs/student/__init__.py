"""Students: sequence-to-sequence models that learn label and rationale at once. The only place that imports torch."""
