"""Lets ``python -m downloader`` be the command."""

from downloader.cli.main import main

if __name__ == "__main__":
    main(prog_name="download")
