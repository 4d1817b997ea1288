"""The families of models, one folder each; see `families`."""
