"""Containers: from a file, pipe or several files to chunks of bytes and the records in them."""
