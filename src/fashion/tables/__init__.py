"""One module, one table; each a stage."""
