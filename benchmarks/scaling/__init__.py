"""The cost of sharing a list over machines, measured here and extrapolated to larger lists."""
