"""Rules of portfolios: aggregates, values, commands, events, ports, errors. No I/O, clock or environment."""
