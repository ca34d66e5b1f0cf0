"""PostgreSQL, embedded by default: a transaction a request, row-level security, migrations, jobs."""
