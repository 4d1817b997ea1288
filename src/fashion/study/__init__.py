"""Studies: their runs and specs, read from config.yaml, and the digests of the code that they run. Without torch."""
