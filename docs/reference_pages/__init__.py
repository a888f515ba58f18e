"""The makers of the reference pages that come from docstrings, schemas and commands; `docs/generate.py` runs them."""
