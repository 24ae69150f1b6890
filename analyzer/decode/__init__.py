"""Protocol headers, one family a file: short kernels over (buffer, offset, end).

Beside them dpkt (`dpkt_decoder`), and whole columns of headers at once (`common_headers`).
"""
