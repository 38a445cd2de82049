"""Measurements with real servers; apart from the tests, because they take time and packages."""
