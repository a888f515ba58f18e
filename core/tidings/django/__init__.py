"""Tidings in a Django project: `pip install 'tidings[django]'`. Nothing else of the library imports Django.

It is a back end of `django.tasks`, so it wants Django 6.0 or later and Python 3.12 or later.
"""

from .page_grant import grant_for
from .problem_middleware import ProblemMiddleware
from .task_backend import TidingsBackend
from .task_context import context_of, sync_context_of

__all__ = ["ProblemMiddleware", "TidingsBackend", "context_of", "grant_for", "sync_context_of"]
