"""The command line: one file per command; it parses, calls the library and prints."""
