"""A portfolio's risks in words whose numbers are ours: facts, what a writer may say of them, how it came out."""
