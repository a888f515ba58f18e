"""The settings of the example: SQLite, Django's own users, and tasks that are jobs."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).parents[1]

# For one's own machine. The web processes and the workers of a project share one key.
SECRET_KEY = os.environ.get("SECRET_KEY", "insecure: of the example alone")
DEBUG = os.environ.get("DEBUG", "1") == "1"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "sales",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tidings.django.ProblemMiddleware",
]
ROOT_URLCONF = "website.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SALES_DB", str(BASE_DIR / "sales.sqlite")),
        "ATOMIC_REQUESTS": True,
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "index"
LOGOUT_REDIRECT_URL = "login"
STATIC_URL = "static/"
USE_TZ = True

TIDINGS_URL = os.environ.get("TIDINGS_URL", "http://127.0.0.1:8700")
"""Where pages find the server of the jobs."""
TASKS = {
    "default": {
        "BACKEND": "tidings.django.TidingsBackend",
        "OPTIONS": {"URL": TIDINGS_URL, "ON_COMMIT": True, "RETRIES": 2, "RUN_TIMEOUT_S": 300},
    }
}
