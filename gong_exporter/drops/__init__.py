"""Detection of activity drops: pure functions from the day history to expectations and evidence."""
