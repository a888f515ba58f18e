"""The command line: `tidings dev | serve | work | submit | watch | cancel | status`."""

from .main import main

__all__ = ["main"]
