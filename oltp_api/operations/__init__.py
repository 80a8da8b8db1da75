"""How the system is doing: health, the gauges of the metrics, one portfolio on all sides."""
