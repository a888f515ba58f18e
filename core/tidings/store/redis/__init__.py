"""The connection to Redis or Valkey: commands, batches, scripts and channels."""
