"""The week's ranked list of people, made from what a running exporter serves at ``/metrics``."""
