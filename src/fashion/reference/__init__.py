"""References: finished studies that are kept, to compare others with."""
