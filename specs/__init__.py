"""The standards as data, and the models that read them."""
