"""The API of Gong: records, errors, the client and its limits. Knows nothing of metrics."""
