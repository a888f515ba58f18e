"""Two views that enqueue, and answer what a page needs."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import path

from errands.tasks import add, never
from tidings.django import grant_for


def refused(request: HttpRequest) -> Any:
    add.using(queue_name="night").enqueue(1)


def away(request: HttpRequest) -> Any:
    never.enqueue()


def broken(request: HttpRequest) -> Any:
    raise LookupError("of the project's own")


def submit(request: HttpRequest) -> JsonResponse:
    return JsonResponse(grant_for(add.enqueue(1)))


urlpatterns = [path(one.__name__, one) for one in (refused, away, broken, submit)]
