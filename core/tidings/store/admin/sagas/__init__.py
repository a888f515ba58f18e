"""Sagas as operators look at them and act on them: how many run, which are held, their journals."""
