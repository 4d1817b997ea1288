"""The results of runs, read in one place, and the certainty of their numbers."""
