"""Circuit breakers, as a worker uses them."""
