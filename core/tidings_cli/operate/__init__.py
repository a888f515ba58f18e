"""Commands for operators: status, pauses, kinds, breakers and dead letters."""
