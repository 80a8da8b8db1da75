"""The ports on PostgreSQL, bound to one unit of work; SQL in `oltp_api/sql/`."""
