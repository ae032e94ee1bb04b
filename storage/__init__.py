"""How data is read and written: PostgreSQL, with TimescaleDB where it exists. Home of psycopg."""
