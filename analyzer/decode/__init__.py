"""Protocol headers, one family a file: short kernels over (buffer, offset, end), dpkt in `full`, columns in `usual`."""
