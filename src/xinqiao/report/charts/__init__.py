"""Charts as server-side SVG: deterministic text, no script, no library."""
