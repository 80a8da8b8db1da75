"""A portfolio's risks in words, with numbers that are ours: facts, what a writer may say of them, and how it came out."""
