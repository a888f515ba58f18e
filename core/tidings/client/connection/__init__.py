"""The connection of a client: dialling, credentials, silence and reconnecting."""
