"""Files: their rows, the stores of their bytes, links, and the text drawn out of them."""
