"""What breakers cost while they are closed, and how soon all workers know that one has opened."""
