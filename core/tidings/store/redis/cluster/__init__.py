"""A store that is a cluster: which node holds what, calls that follow it, and channels of every node."""
