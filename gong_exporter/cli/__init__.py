"""The command line: one command per file; wires and prints, nothing else."""
