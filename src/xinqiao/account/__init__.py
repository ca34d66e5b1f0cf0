"""Institutions, people and their roles, sessions, API clients, four-eyes and audit."""
