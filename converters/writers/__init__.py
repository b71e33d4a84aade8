"""One file per format that is written."""
