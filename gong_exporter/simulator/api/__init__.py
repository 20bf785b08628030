"""The simulated HTTP API: requests, limits, pages and faults."""
