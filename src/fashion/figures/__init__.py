"""One module, one kind of figure; each a stage that draws from saved data, the same bytes for the same data."""
