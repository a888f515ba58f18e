"""What clients submit: options, calls for typed clients, and the submission itself."""
