"""What a socket does for each type of frame that its client sends."""
