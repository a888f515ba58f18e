"""`tidings mcp`: configurations for clients of the Model Context Protocol."""
