"""The license key registry (contract 07): search, updates, and how its keys meet what clients report."""
