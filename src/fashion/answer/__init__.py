"""What the runs say of the report's claims, and the page that says it."""
