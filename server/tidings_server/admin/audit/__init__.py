"""The audit of what operators do: it is recorded by a middleware and read at `/v1/admin/audit`."""
