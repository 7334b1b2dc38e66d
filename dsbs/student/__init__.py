"""The student: a sequence-to-sequence model, its tokenizer, and how labels are read from it."""
