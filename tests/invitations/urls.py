"""The project's routes, and a sign-in page for as long as there is none."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from semafore.kernel.permissions import Access
from semafore.urls import handler400, handler404, handler500
from semafore.urls import urlpatterns as routes

__all__ = ("handler400", "handler404", "handler500", "urlpatterns")


def sign_in(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("Sign in")


sign_in.requires = Access.PUBLIC  # type: ignore[attr-defined]

urlpatterns = [*routes, path("console/sign-in", sign_in, name="sign_in")]
