"""Whether costs grow in a straight line: what a job costs as there is more and more of one thing."""
