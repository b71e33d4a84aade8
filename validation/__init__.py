"""Findings: what is wrong with the data, and how it is reported."""
