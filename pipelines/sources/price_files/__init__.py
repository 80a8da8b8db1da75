"""Files of prices and rates that people put into a folder, each in the format of whoever wrote it."""
