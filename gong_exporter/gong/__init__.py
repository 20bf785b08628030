"""Gong's API: records, errors, the client and its limits. Knows nothing of metrics."""
