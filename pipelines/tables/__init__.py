"""How a run makes tables: which versions it reads, what it makes anew, how rows are published and drawn."""
