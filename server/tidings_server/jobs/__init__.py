"""Jobs, for every transport: submissions, listeners, kinds, quotas and answers."""
