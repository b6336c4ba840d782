"""What the organisation wants of the app, the files for MDM consoles, and who does it."""

from dataclasses import asdict
from typing import ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from console.forms.managed_app import ManagedAppForm
from keys.selectors.posture import conformity, versions_in_use
from orgs.managed_app import EXPLAINED
from orgs.managed_app_files import FILES, UNNAMED_APP, File, android_package, apple_bundle_id
from orgs.selectors.settings import managed_config
from orgs.services.managed_app import change_managed_app
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission


class ManagedAppView(ConsoleView):
    """The settings, the files, and how many devices keep to them."""

    requires = Permission.PEOPLE_READ
    title = "Managed app"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show all of it."""
        config = managed_config()
        context = {
            "version": config.version,
            "rules": [
                (EXPLAINED[name], in_words(name, value))
                for name, value in asdict(config.settings).items()
            ],
            "conformity": conformity(config.settings),
            "files": FILES,
            "unnamed": UNNAMED_APP if UNNAMED_APP in (apple_bundle_id(), android_package()) else "",
            "may_change": Permission.POLICY_MANAGE in self.seat.permissions,
        }
        return self.page(request, "console/managed_app/managed_app.html", context)


class ManagedAppChangeView(ConsoleView):
    """Change the settings."""

    requires = Permission.POLICY_MANAGE
    sensitive = True
    title = "Change the settings of the managed app"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask."""
        return self._ask(request, ManagedAppForm(initial=asdict(managed_config().settings)))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Change them, and say what they were and are."""
        before = asdict(managed_config().settings)
        form = ManagedAppForm(request.POST, initial=before)
        if form.is_valid():
            after = form.settings()
            with self.refusals(form):
                change_managed_app(settings=after)
                for name, value in asdict(after).items():
                    if value != before[name]:
                        was, now = in_words(name, before[name]), in_words(name, value)
                        messages.success(request, f"{EXPLAINED[name].label}: {was} → {now}")
                return HttpResponseRedirect(self.link("managed_app"))
        return self._ask(request, form, status=422)

    def _ask(self, request: HttpRequest, form: ManagedAppForm, status: int = 200) -> HttpResponse:
        context = {"form": form, "versions": versions_in_use()}
        return self.page(request, "console/managed_app/change.html", context, status=status)


class ManagedAppFileView(ConsoleView):
    """One of the files, as the settings stand."""

    requires = Permission.PEOPLE_READ
    file: ClassVar[File] = FILES[0]

    def get(self, _request: HttpRequest) -> HttpResponse:
        """Download it."""
        return HttpResponse(
            self.file.write(managed_config()),
            content_type=self.file.media_type,
            headers={"Content-Disposition": f'attachment; filename="{self.file.name}"'},
        )


def in_words(name: str, value: bool | int | str) -> str:  # noqa: FBT001 - a value among others
    """A setting's value as the page says it."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if not value:
        return "No limit" if name == "min_app_version" else "No lock"
    return f"{value} min" if name == "lock_after_minutes" else str(value)
