"""URLs, file names, media types, charsets, content codings, IP addresses and safe text.

Nothing here reads or writes anything, except for the table of media types.
"""
