"""What the one-case function is written with: its lines, its JSON, its statements for expressions."""
