"""One's own jobs: what a page of them costs among many, and what it takes to follow a tag."""
