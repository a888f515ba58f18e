"""What a request says: its body, its headers, and where it comes from."""
