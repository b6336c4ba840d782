"""Pages of people and settings."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
