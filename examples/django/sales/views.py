"""The page, and what its script asks."""

import json

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from sales.models import Report
from sales.tasks import sales_report
from tidings.django import grant_for


@login_required
def index(request: HttpRequest) -> HttpResponse:
    """Show the page, with the user's reports."""
    assert request.user.is_authenticated
    reports = Report.objects.filter(user=request.user).order_by("pk")
    return render(request, "index.html", {"reports": reports, "tidings_url": settings.TIDINGS_URL})


@require_POST
def create_report(request: HttpRequest) -> JsonResponse:
    """Have a report made. The task is submitted when the transaction of the request commits."""
    if not request.user.is_authenticated:
        return JsonResponse({"detail": "log in first"}, status=401)
    try:
        year = int(json.loads(request.body)["year"])
    except (ValueError, KeyError, TypeError):
        return JsonResponse({"detail": "year must be a whole number"}, status=400)
    result = sales_report.enqueue(request.user.pk, year)
    report = Report.objects.create(user=request.user, year=year, task_id=result.id)
    return JsonResponse({"id": report.pk}, status=202)


@require_POST
def grant_report(request: HttpRequest, pk: int) -> JsonResponse:
    """Give the page what it follows a report by: the user's own alone."""
    if not request.user.is_authenticated:
        return JsonResponse({"detail": "log in first"}, status=401)
    report = get_object_or_404(Report, pk=pk, user=request.user)
    return JsonResponse(grant_for(report.task_id))
