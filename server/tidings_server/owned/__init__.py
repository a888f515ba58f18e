"""The jobs of one owner: listing them, and forgetting one."""
