"""The domain: windows, users, polls, snapshots. Pure but for the client passed in."""
