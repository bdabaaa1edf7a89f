"""Pieces of SQL of which answers are made: units and their days, items, conditions, buckets. Nothing here asks."""
