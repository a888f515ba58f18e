"""`tidings saga …`: running sagas, those that are held, and their replay against other code."""
