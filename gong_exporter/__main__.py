"""``python -m gong_exporter`` is the ``gong-exporter`` command."""

from gong_exporter.cli.start import main

if __name__ == "__main__":
    main()
