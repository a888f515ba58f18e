"""Submissions by plain requests, which are answered without ASGI."""
