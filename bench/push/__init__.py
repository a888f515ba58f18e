"""The push path: what it costs to hold a socket, and how long an event takes to those who watch."""
