"""Binning, scorecard, boosted trees, calibration, rating, reasons, validation."""
