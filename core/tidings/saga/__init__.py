"""Sagas, as far as they are plain code: the journal, the places of steps, what is blocked, what is to undo."""
