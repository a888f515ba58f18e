"""What users have sold, and the reports that they have had made."""

from django.conf import settings
from django.db import models


class Sale(models.Model):
    """What a user has sold in a month."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    year = models.IntegerField()
    month = models.IntegerField()
    cents = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.user_id} {self.year}-{self.month}: {self.cents}"


class Report(models.Model):
    """A report, made or in the making."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    year = models.IntegerField()
    task_id = models.CharField(max_length=100)
    """The id of the task's result."""

    def __str__(self) -> str:
        return f"{self.user_id} {self.year}: {self.task_id}"
