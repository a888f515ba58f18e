"""Jobs over HTTP requests: submit, read with long-poll, cancel, signal, and batches."""
