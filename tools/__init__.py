"""Scripts for those who work on this package; no part of it."""
