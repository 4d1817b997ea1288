"""A trained run, asked about images, shown and exported."""
