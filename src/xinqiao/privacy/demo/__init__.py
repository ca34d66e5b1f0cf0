"""Seven nodes on one machine over generated data."""
