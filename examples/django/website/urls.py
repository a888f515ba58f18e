"""The addresses of the example."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from sales import views

urlpatterns = [
    path("", views.index, name="index"),
    path("login/", LoginView.as_view(template_name="login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("reports/", views.create_report, name="create_report"),
    path("reports/<int:pk>/grant/", views.grant_report, name="grant_report"),
]
