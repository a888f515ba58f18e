"""What a worker registers of its kinds."""
