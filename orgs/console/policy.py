"""The organisation's settings."""

from typing import Any

from django.contrib import messages
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from orgs.forms.policy import PolicyForm
from orgs.selectors.settings import organisation, policy
from orgs.services.organisations import PolicyChange, change_policy
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission


class SettingsView(ConsoleView):
    """What the organisation is, and what it decided."""

    requires = Permission.PEOPLE_READ
    title = "Settings"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show both."""
        form = PolicyForm(initial=model_to_dict(policy()))
        context = {
            "organisation": organisation(),
            "rules": [
                {
                    "label": field.label,
                    "help": field.help_text,
                    "value": in_words(form, field.name, field.initial),
                }
                for field in form
            ],
            "may_change": Permission.POLICY_MANAGE in self.seat.permissions,
        }
        return self.page(request, "console/settings/settings.html", context)


class PolicyView(ConsoleView):
    """Change the policy."""

    requires = Permission.POLICY_MANAGE
    sensitive = True
    title = "Change the policy"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask."""
        return self._ask(request, PolicyForm(initial=model_to_dict(policy())))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Change what differs, and say what it was and is."""
        form = PolicyForm(request.POST, initial=model_to_dict(policy()))
        if form.is_valid():
            change = {name: form.cleaned_data[name] for name in form.changed_data}
            with self.refusals(form):
                change_policy(change=PolicyChange(**change))
                for name in form.changed_data:
                    before = in_words(form, name, form.initial[name])
                    after = in_words(form, name, form.cleaned_data[name])
                    messages.success(request, f"{form.fields[name].label}: {before} → {after}")
                return HttpResponseRedirect(self.link("settings"))
        return self._ask(request, form, status=422)

    def _ask(self, request: HttpRequest, form: PolicyForm, status: int = 200) -> HttpResponse:
        return self.page(request, "console/settings/policy.html", {"form": form}, status=status)


def in_words(form: PolicyForm, name: str, value: Any) -> str:
    """A setting's value as the form words it."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    choices = getattr(form.fields[name], "choices", None)
    return str({str(key): word for key, word in choices}[str(value)] if choices else value)
