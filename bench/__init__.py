"""Benchmarks: Odometer's answers beside the plain ways of getting the same numbers, in one run, as ratios."""
