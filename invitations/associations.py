"""The files by which phones know that links of invitations belong to the apps."""

from django.conf import settings
from django.http import Http404, HttpRequest, JsonResponse

from semafore.kernel.permissions import Access


def apple(_request: HttpRequest) -> JsonResponse:
    """`apple-app-site-association`, for APPLE_APP_IDS."""
    if not settings.APPLE_APP_IDS:
        raise Http404
    details = [{"appIDs": settings.APPLE_APP_IDS, "components": [{"/": "/i/*"}]}]
    return JsonResponse({"applinks": {"details": details}})


def android(_request: HttpRequest) -> JsonResponse:
    """`assetlinks.json`, for ANDROID_APPS."""
    if not settings.ANDROID_APPS:
        raise Http404
    statements = [
        {
            "relation": ["delegate_permission/common.handle_all_urls"],
            "target": {
                "namespace": "android_app",
                "package_name": package,
                "sha256_cert_fingerprints": [fingerprint],
            },
        }
        for package, fingerprint in settings.ANDROID_APPS
    ]
    return JsonResponse(statements, safe=False)


for view in (apple, android):
    view.requires = Access.PUBLIC  # type: ignore[attr-defined]
