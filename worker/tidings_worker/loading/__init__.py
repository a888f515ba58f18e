"""The modules with handlers that a worker loads, and the checks of their kinds."""
