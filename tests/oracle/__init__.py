"""What the numbers should be: plain loops over records, from the definitions alone; no SQL, nothing of the product."""
