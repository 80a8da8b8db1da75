"""Monte Carlo simulation of a portfolio: one kernel, models that plug in, and figures with their errors.

A reader's way: `inputs` (what is held and how it is assumed to move), `models` (the port, and whose moves are drawn
how), `kernel` (paths in blocks, the same bits for any number of workers), `falls` (drawdowns of paths, corrected for
what happens between steps), `figures` (percentiles and probabilities, each with its standard error), `scenarios`.
"""
