"""Consumers of events as their authors write them: the decorator `on`, and the event that a handler gets."""
