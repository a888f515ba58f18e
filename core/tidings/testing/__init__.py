"""What authors of jobs need for their tests: a world, in which jobs run as in production, by a clock that stands still.

Nothing here imports pytest, a server or a worker before a test uses what needs it.
"""

from .testing_errors import TestingError, WorldStuckError
from .world import World
from .world_job import WorldJob

__all__ = ["TestingError", "World", "WorldJob", "WorldStuckError"]
