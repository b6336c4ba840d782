"""All routes: each app's own, composed."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from semafore.kernel.health import healthz, readyz
from semafore.kernel.permissions import Access


class SchemaView(SpectacularAPIView):
    """The OpenAPI document, the same as `docs/openapi.yaml`."""

    requires = Access.PUBLIC


urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/schema/", SchemaView.as_view()),
    path("api/mobile/", include("keys.urls_api")),
]

handler400 = "semafore.kernel.http.handler.bad_request"
handler404 = "semafore.kernel.http.handler.not_found"
handler500 = "semafore.kernel.http.handler.server_error"
