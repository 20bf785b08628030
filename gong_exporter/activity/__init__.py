"""The domain: windows of company days, users, polls, snapshots. Pure but for the client passed in."""
