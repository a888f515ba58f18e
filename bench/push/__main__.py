"""`python -m bench.push [NAME…]`: fanout, idle, pace, slow, storm; default: all."""

import resource
import sys

import uvloop

from . import fanout, idle, pace, slow, storm

ALL = {
    "fanout": fanout.measure,
    "idle": idle.measure,
    "pace": pace.measure,
    "slow": slow.measure,
    "storm": storm.measure,
}


def main() -> None:
    """Measure what the arguments name."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for name in sys.argv[1:] or ALL:
        uvloop.run(ALL[name]())


if __name__ == "__main__":
    main()
