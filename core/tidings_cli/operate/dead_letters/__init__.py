"""The commands about dead letters, and how they show them."""
