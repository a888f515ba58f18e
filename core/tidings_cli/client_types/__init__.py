"""`tidings types`: typed clients, written from the schemas of kinds."""
