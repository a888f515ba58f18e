"""Several submissions in one request."""
