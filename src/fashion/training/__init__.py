"""From a spec to weights, history and predictions."""
