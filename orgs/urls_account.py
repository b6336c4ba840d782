"""Sign-in, and what is about the signed-in person."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
