"""From a snapshot and the exporter's own numbers to the bytes that Prometheus reads."""
