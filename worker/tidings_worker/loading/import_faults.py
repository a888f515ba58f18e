"""What is wrong with a user's module that cannot be imported: one line with file, line and what to do.

Where this program found the mistake, as `@job(…)` does, the line says all. Where the module's own code, or what that
calls, raised the error, the frames follow which are not this program's.
"""

import os
import traceback
from pathlib import Path

import tidings
import tidings_worker

_OURS = tuple(f"{Path(module.__file__ or '').parent}{os.sep}" for module in (tidings, tidings_worker))
"""The folders of this program."""


def import_fault(name: str, error: BaseException) -> str:
    """Return what to show of an error that the import of a module raised.

    Args:
        name: of the module, as the user gave it.
        error: what it raised.

    """
    if isinstance(error, SyntaxError) and error.filename is not None:
        shown = f"\n{(error.text or '').strip()}" if error.text else ""
        return f"{error.filename}:{error.lineno}: {name} cannot be imported: {type(error).__name__}: {error.msg}{shown}"
    theirs, found_here = _users_frames(error)
    text = " ".join(str(error).split())
    if not theirs:
        return f"{name} cannot be imported: {type(error).__name__}: {text}"
    if found_here:
        return f"{theirs[-1].filename}:{theirs[-1].lineno}: {text}"
    own = _module_frame(theirs)
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    frames = "".join(traceback.format_list(theirs)).rstrip()
    return f"{own.filename}:{own.lineno}: {name} cannot be imported: {said}{_hint(error)}\n{frames}"


def _users_frames(error: BaseException) -> tuple[list[traceback.FrameSummary], bool]:
    """Return the frames of the user's code and what it calls; and whether this program raised the error below them."""
    theirs: list[traceback.FrameSummary] = []
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith(_OURS):
            if theirs:
                return theirs, True
        elif "importlib" not in frame.filename:
            theirs.append(frame)
    return theirs, False


def _module_frame(theirs: list[traceback.FrameSummary]) -> traceback.FrameSummary:
    """Return the innermost frame of the user's own files: in the folder of the first, or below it."""
    folder = str(Path(theirs[0].filename).parent)
    own = [frame for frame in theirs if frame.filename.startswith(folder) and "site-packages" not in frame.filename]
    return own[-1] if own else theirs[0]


def _hint(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"; install {error.name} where the worker runs, or correct the name"
    if isinstance(error, SystemExit):
        return '; a worker imports the module: put what ends the program under `if __name__ == "__main__":`'
    return ""
