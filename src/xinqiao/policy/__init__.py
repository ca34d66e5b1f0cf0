"""Decision policies: rules, tables, limit and price; records and replay."""
