"""Everything about HTTP that is no noun's: fields, pages of answers, problems, limits, logs, health."""
