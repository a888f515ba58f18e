"""Webhooks: the delivery of what happened to jobs, over HTTP."""
