"""What a worker of a project serves: `DJANGO_SETTINGS_MODULE=shop.settings tidings work tidings.django.tasks`."""

from .task_jobs import project_jobs

globals().update(project_jobs())
