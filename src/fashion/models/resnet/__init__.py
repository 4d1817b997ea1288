"""ResNets."""
