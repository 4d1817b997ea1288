"""What runs left, read in one place, and how sure the numbers are."""
