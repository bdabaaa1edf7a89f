"""What several reports share: request members and the shapes of their answers."""
