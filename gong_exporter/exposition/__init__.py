"""Turns a snapshot and the exporter's own numbers into the bytes that Prometheus reads."""
