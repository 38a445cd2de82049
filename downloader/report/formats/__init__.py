"""The files that reports are written to, one module for each format."""
