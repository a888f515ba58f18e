"""Events that consumers follow: what each group follows, what its workers take, and what other readers read."""
