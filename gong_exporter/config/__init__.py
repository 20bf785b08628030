"""The configuration file: its typed model, loading with line numbers, secrets."""
