"""How often the rules on activity drops are right: a simulated company, every day of two years."""
