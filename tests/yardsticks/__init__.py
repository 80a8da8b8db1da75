"""Figures of others beside ours: cases are judged by their kind and inputs, situations are run over HTTP."""
