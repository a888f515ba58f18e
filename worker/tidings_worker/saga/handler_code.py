"""The code of a handler, as a digest: by it workers of one release are told from those of another."""

import functools
import hashlib
import inspect
import marshal
from pathlib import Path
from types import CodeType
from typing import Any

from tidings.declare.job import Job


def code_digest(job: Job[Any, Any]) -> str:
    """Return a digest of the code of a kind: of its version, and of the file in which its handler stands.

    Two workers with the same digest take the same steps, as far as that file decides. Where the file cannot be read, as
    from an archive, the handler's own code counts.
    """
    function = inspect.unwrap(job.function)
    code = getattr(function, "__code__", None)
    text = _read(code.co_filename) if isinstance(code, CodeType) else repr(function).encode()
    if text is None:
        text = marshal.dumps(code)
    return hashlib.blake2b(b"%d %b" % (job.policy.version, text), digest_size=4).hexdigest()


@functools.cache
def _read(name: str) -> bytes | None:
    try:
        return Path(name).read_bytes()
    except OSError:
        return None
