"""The closed vocabulary a mapping may use, one file per family."""
