"""Privacy (chapter 09, Deleting): what is held of one client, told or erased, and whose data is refused."""
