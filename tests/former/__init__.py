"""Data folders and backups as released and earlier versions left them, and what makes them."""
