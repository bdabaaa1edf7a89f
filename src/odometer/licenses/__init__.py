"""The license key registry (chapter 07): search, updates, and how its keys meet what clients report."""
