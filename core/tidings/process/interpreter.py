"""What runs this process: the interpreter, and the sources or what was compiled of them."""

import platform

from tidings import token_bucket

INTERPRETED_SUFFIXES = (".py", ".pyc")
"""How the files of modules end that Python itself runs."""


def is_compiled() -> bool:
    """Return whether this installation has the modules on the path of a job in compiled form, as a wheel may."""
    return not token_bucket.__file__.endswith(INTERPRETED_SUFFIXES)


def describe_build() -> str:
    """Return the interpreter and the form of Tidings, in words."""
    form = "compiled modules" if is_compiled() else "pure Python"
    return f"{platform.python_implementation()} {platform.python_version()}, {form}"
