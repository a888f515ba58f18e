"""What handlers use and do not make themselves: the lifespan of a worker process, and dependencies."""
