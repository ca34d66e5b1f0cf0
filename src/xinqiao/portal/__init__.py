"""HTTP: pages of the four portals and the REST API; no business rule lives here."""
