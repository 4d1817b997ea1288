"""Model families, each a folder; see `families`."""
