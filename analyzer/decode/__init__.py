"""Protocol headers, one family a file: short kernels over (buffer, offset, end), and dpkt in `full`."""
