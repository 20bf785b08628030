"""Where people's columns (team, manager ...) come from: one module per source."""
