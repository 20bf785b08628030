"""The past, asked of Gong day by day and written as files that Prometheus takes in."""
