"""What operators are shown and may do."""
