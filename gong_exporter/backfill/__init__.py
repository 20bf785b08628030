"""Backfill: fetches past days from Gong and writes them as files that Prometheus can import."""
