"""What Tidings needs of its store, asked when a process starts and by `tidings doctor`."""
