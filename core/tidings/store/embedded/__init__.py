"""A store that runs as a child of `tidings dev`."""
