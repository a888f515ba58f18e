"""The partitions of queues that are spread: their names, which job goes to which, and the record of that."""
