"""Finished studies that are kept, and others compared with them."""
