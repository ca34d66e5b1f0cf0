"""Public opinion: negative news about a firm recognised and counted by month."""
