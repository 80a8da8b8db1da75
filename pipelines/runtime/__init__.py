"""Processes and resources of runs: what starts them, what they are given, where their output goes."""
