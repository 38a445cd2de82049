"""Compare libraries that extract the main content of pages, on pages where it is known."""
