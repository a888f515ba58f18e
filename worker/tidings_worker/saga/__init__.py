"""Sagas: an `async def` handler that takes steps, its journal, its waits and children, and its compensation."""
