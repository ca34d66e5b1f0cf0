"""Loan products, matching a firm with them, and the application from the click to the accepted offer."""
