"""Files that people and agents keep: rows, stores of their bytes, links, and their text."""
