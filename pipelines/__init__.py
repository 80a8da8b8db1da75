"""How the lake is made: Dagster assets, resources, partitions, sensors, schedules and checks."""
