"""`python -m tidings` is `tidings`."""

from tidings_cli import main

main()
