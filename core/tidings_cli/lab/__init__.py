"""The latency lab: a system on one's own machine that is made to fail as networks and machines do."""
