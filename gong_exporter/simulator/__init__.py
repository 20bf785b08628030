"""A simulated Gong API: ``api`` speaks HTTP, ``company`` is the data behind it.

Imports no other package of the exporter.
"""
