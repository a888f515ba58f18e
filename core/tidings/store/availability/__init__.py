"""Whether the store can be used: its errors, its outages, and when to try again."""
