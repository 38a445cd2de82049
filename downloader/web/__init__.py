"""Pure functions on what the web is made of: URLs, file names, media types, charsets, codings."""
