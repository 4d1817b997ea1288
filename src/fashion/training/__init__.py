"""Training and evaluation of a run: from its spec to weights, history and predictions."""
