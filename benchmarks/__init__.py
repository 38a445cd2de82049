"""Benchmarks against real servers; apart from the tests, because they need time and packages."""
