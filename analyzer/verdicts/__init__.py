"""From evidence to one verdict per flow: ordered tables of rules, the first that applies decides."""
