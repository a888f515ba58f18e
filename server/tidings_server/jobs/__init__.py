"""Jobs, for every transport: the job service, admission, quotas and answers."""
