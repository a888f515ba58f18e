"""How many files a process may have open: each socket is one."""

import resource


def allow_many_files() -> None:
    """Raise the limit of this process, and of those it starts, to the most that the machine allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
