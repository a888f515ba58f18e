"""The command line: `tidings dev | serve | work | submit | watch | cancel | status`."""

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process; its modules are imported now, so that each part can be imported alone."""
    from .main import main as run  # noqa: PLC0415

    run()
