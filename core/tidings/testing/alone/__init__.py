"""One job alone: the real attempt of a worker, and in place of the store what one attempt needs of it, in memory."""
