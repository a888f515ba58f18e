"""What a process of Tidings asks of its operating system and its interpreter."""
