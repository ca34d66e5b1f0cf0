"""The command xinqiao: wiring only, every rule lives below."""
