"""Many transactions at once: batches, and the files of brokers."""
