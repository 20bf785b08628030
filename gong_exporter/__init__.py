"""A Prometheus exporter for Gong's per-user activity counters."""

__version__ = "0.2.0"
