"""One file per raw or transport format that is read."""
