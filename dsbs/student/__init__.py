"""The student: a model of any family, its tokenizer, and how labels are read from it."""
