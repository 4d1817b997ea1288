"""One module, one table; and the stage that makes them."""
