"""The routes, with a place to prove oneself again where the tree has none yet."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def step_up(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path("", include("semafore.urls")),
    path("console/step-up", step_up, name="step_up"),
]
