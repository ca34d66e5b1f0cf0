"""Questions to lists: one id looked up, and the list of several operators."""
