"""What the command `fashion` does: it asks, shows and exports trained runs, and watches a study."""
