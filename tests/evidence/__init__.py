"""The pure evidence functions, fed with timelines in the notation of `tests.scenarios`."""
