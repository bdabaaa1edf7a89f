"""What the numbers should be, by plain loops over records, from the contract alone: no SQL, nothing of the product."""
