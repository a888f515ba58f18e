"""Watching jobs: the hub, the listeners of this process, and the frames and snapshots that they get."""
