"""All routes: each app's own, composed."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from semafore.kernel.health import healthz, readyz
from semafore.kernel.http.pages import index
from semafore.kernel.http.throttles import AddressThrottle
from semafore.kernel.http.views import PublicAPIView


class SchemaView(PublicAPIView, SpectacularAPIView):
    """The OpenAPI document, the same as `docs/openapi.yaml`."""

    throttle_classes = (AddressThrottle,)


urlpatterns = [
    path("", index),
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/schema/", SchemaView.as_view()),
    path("api/mobile/", include("keys.urls_api")),
]

handler400 = "semafore.kernel.http.handler.bad_request"
handler404 = "semafore.kernel.http.handler.not_found"
handler500 = "semafore.kernel.http.handler.server_error"
