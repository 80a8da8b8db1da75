"""Returns of daily series: time-weighted, money-weighted, over periods, of many at once."""
