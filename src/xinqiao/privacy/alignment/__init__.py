"""Which subjects the parties have in common."""
