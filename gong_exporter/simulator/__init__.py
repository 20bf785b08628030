"""A Gong API on loopback with a believable company behind it; imports nothing else of ours."""
