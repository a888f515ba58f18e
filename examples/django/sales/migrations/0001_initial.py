"""The tables, the first two users, and what they have sold."""

from typing import Any, ClassVar

import django.db.models.deletion
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import migrations, models

FIRST_USERS = {"alice": "wonderland", "bob": "builder"}


def add_users(apps: Any, _: Any) -> None:
    """Make the users, with a year of sales each."""
    users, sales = apps.get_model("auth", "User"), apps.get_model("sales", "Sale")
    for number, (name, password) in enumerate(FIRST_USERS.items(), start=1):
        user = users.objects.create(username=name, password=make_password(password))
        for month in range(1, 13):
            sales.objects.create(user=user, year=2025, month=month, cents=1000 * number * month)


class Migration(migrations.Migration):
    """The first."""

    initial = True
    dependencies: ClassVar = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Sale",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("year", models.IntegerField()),
                ("month", models.IntegerField()),
                ("cents", models.IntegerField()),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name="Report",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("year", models.IntegerField()),
                ("task_id", models.CharField(max_length=100)),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.RunPython(add_users, migrations.RunPython.noop),
    ]
