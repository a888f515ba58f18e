"""The groups of consumers that a worker serves: which events it takes, and how its handlers get them."""
