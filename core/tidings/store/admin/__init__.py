"""What operators read and change in the store."""
