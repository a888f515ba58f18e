"""The files of kinds that workers of a cluster load, and which of their queues lies on which node."""

from pathlib import Path

KIND_FILE = str(Path(__file__).with_name("kinds.py"))
FAILING_KIND_FILE = str(Path(__file__).with_name("failing_kinds.py"))

ALL_KINDS = 6
"""How many kinds are in the first file."""

QUEUES = {"on_first": "aa", "on_second": "bb", "on_third": "dd"}
"""Kind → its queue; each lies on another third of a cluster of three."""
