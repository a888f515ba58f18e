"""`python -m bench.budget`: where the CPU time of one job goes, part by part, and what else it costs."""
