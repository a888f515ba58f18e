"""What a job costs the store where that is a cluster, beside the same jobs on a store alone."""
