"""Windows, users, polls and snapshots. Pure, except for the client that is passed in."""
