"""What every job is made of: its manifest, its kind, the messages and the link they pass over."""
