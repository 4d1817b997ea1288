"""Model families, one a module."""
