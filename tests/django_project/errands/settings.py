"""A project that does nothing but run tasks."""

import os

SECRET_KEY = os.environ.get("ERRANDS_SECRET_KEY", "a key of the tests alone, which signs nothing else")
SECRET_KEY_FALLBACKS = ["an older key of the tests alone, which signs nothing else"]
INSTALLED_APPS = ["errands"]
MIDDLEWARE = ["tidings.django.ProblemMiddleware"]
ROOT_URLCONF = "errands.urls"
ALLOWED_HOSTS = ["testserver"]
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
TASKS = {
    "default": {"BACKEND": "tidings.django.TidingsBackend", "QUEUES": ["default", "night"], "OPTIONS": {"RETRIES": 1}},
    "later": {"BACKEND": "tidings.django.TidingsBackend", "OPTIONS": {"ON_COMMIT": True}},
    "away": {
        "BACKEND": "tidings.django.TidingsBackend",
        "OPTIONS": {"URL": "http://127.0.0.1:1", "TIMEOUT_S": 0.2},
    },
    "other": {"BACKEND": "django.tasks.backends.dummy.DummyBackend"},
}
