"""The page at `/`: portfolios with their value and its age, and where everything else is."""
