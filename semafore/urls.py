"""All routes: each app's own, composed."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from console.operator.site import SITE
from semafore.kernel.health import healthz, readyz
from semafore.kernel.http.pages import index
from semafore.kernel.http.throttles import AddressThrottle
from semafore.kernel.http.views import PublicAPIView
from semafore.kernel.metrics import metrics


class SchemaView(PublicAPIView, SpectacularAPIView):
    """The OpenAPI document, the same as `docs/openapi.yaml`."""

    throttle_classes = (AddressThrottle,)


urlpatterns = [
    path("", index),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("api/schema/", SchemaView.as_view()),
    path("api/mobile/", include("keys.urls_api")),
    path("api/mobile/", include("invitations.urls_api")),
    path("api/mobile/", include("messaging.urls_api")),
    path("api/audit/", include("audit.urls_api")),
    path("api/audit/", include("reports.urls_api")),
    path("", include("invitations.urls_landing")),
    path("operator/", SITE.urls),
    # What is about the person goes first: no organisation may be called `sign-in`.
    path("console/", include("orgs.urls_account")),
    path("console/<slug:slug>/", include("console.urls_console")),
    path("console/<slug:slug>/", include("audit.urls_console")),
    path("console/<slug:slug>/", include("invitations.urls_console")),
    path("console/<slug:slug>/", include("keys.urls_console")),
    path("console/<slug:slug>/", include("messaging.urls_console")),
    path("console/<slug:slug>/", include("orgs.urls_console")),
    path("console/<slug:slug>/", include("reports.urls_console")),
]

handler400 = "semafore.kernel.http.handler.bad_request"
handler403 = "semafore.kernel.http.handler.not_permitted"
handler404 = "semafore.kernel.http.handler.not_found"
handler500 = "semafore.kernel.http.handler.server_error"
