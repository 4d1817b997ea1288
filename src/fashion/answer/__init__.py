"""The verdicts on the report's claims, and the page that shows them."""
