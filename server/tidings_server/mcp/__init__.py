"""The Model Context Protocol: kinds as tools, their jobs as tasks.

Only `mcp_endpoint.py` is imported before the first client comes: the SDK is an extra, and takes its time to load.

Sources: https://modelcontextprotocol.io/specification/2026-07-28 and, for tasks,
https://github.com/modelcontextprotocol/ext-tasks
"""
