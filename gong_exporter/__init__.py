"""A Prometheus exporter for Gong's per-user activity counters."""

__version__ = "0.1.0"
