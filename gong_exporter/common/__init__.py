"""What several packages share; imports nothing else of the project."""
