"""The running process: the parts put together, the poll loop, signals."""
