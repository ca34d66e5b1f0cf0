"""Models over columns, or rows, of several holders, and what a holder's columns are worth."""
