"""A run: raw files to decisions and pages, as stages that can be killed and run again."""
