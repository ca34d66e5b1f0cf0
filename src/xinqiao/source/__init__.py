"""Data contracts, mappings, ingestion, quarantine and the lake."""
