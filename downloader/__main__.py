"""Run the command as ``python -m downloader``."""

from downloader.cli.main import main

if __name__ == "__main__":
    main()
