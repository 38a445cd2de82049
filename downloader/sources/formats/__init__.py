"""The formats of lists, one module each; ``downloader.sources.registry`` lists them."""
