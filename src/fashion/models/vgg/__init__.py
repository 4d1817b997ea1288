"""VGGs."""
