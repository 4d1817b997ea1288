"""One module, one kind of figure, the same bytes for the same data; and the four stages that draw them."""
