"""The simulated company: its people, their work and the counters that follow from it."""
