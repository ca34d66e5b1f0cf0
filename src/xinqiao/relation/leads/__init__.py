"""Fraud rules: leads to verify, each with the records and the subgraph it rests on; never verdicts."""
