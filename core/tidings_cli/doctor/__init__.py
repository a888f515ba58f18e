"""`tidings doctor`: checks a deployment, and says what to do."""
