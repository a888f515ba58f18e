"""Jobs as operators see them: the search, and one job with its detail."""
