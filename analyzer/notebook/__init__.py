"""How an analysis shows itself to somebody who explores it: HTML with figures in a notebook, text in a terminal."""
