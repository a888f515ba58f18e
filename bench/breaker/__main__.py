"""`python -m bench.breaker [NAME…]`: overhead, spare, crowd; default: all."""

import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from . import crowd, overhead, spare

ALL: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
    "overhead": overhead.measure,
    "spare": spare.measure,
    "crowd": crowd.measure,
}


def main() -> None:
    """Measure what the arguments name."""
    for name in sys.argv[1:] or ALL:
        uvloop.run(ALL[name]())


if __name__ == "__main__":
    main()
