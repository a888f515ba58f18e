"""What each durability costs an acknowledged submission."""
