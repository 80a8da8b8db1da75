"""Audits that say which rows of market data are bad, and why: pure functions of the rows, what is known, and the day.

`prices` judges closes, `actions` splits and dividends, `adjusted` the source's own adjusted closes; `series` is how
they look at a price over time, `quarantine` what they say. Nothing here repairs a value, reads a clock or publishes.
"""
