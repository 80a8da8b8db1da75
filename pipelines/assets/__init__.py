"""One module per stage of the graph, from ingestion to simulation."""
