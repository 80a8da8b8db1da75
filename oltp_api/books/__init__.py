"""Books: their snapshots, haircut schedules, and what of them is collateral."""
