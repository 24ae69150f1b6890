"""Several capture points of one path, joined: matching, clocks, order, legs, and where packets get lost."""
