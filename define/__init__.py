"""define.xml: built from the same specs and data as the datasets, written, read, shown."""
