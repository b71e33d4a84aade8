"""The way of the data: raw forms to domains to analysis datasets to files."""
