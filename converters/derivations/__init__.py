"""One derivation, one file."""
