"""What waits to be sent on a connection: buffers with their limits, snapshots in turn, the age of a connection."""
