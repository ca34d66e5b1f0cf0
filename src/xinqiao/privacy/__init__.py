"""Usable, not visible: what several holders compute together without handing their data over."""
