"""The second factor of an owner whom no other owner can help: two operators reset it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from orgs.models import FactorResetStatus, Organisation
from orgs.selectors.sign_in import owner_called
from orgs.services.factor_resets import operator_reset_factor
from semafore.kernel.problems import Problem
from semafore.kernel.tenancy import organisation_scope


class ResetForm(forms.Form):
    """Whose, and why. Both operators type it: the site lists no people."""

    email = forms.EmailField(
        label="Email of the owner", help_text="The one that they sign in with."
    )
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=500,
        help_text="How you know that it is them. The organisation's audit log keeps it.",
    )


def reset_view(site: AdminSite, request: HttpRequest, organisation: Organisation) -> HttpResponse:
    """The first operator asks; the same form sent by another one within 24 hours resets it."""
    form = ResetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with organisation_scope(organisation.id):
            try:
                reset = operator_reset_factor(
                    membership_id=owner_called(form.cleaned_data["email"]).id,
                    reason=form.cleaned_data["reason"],
                )
            except Problem as problem:
                form.add_error(None, problem.detail)
            else:
                messages.success(request, _said(reset.status))
                return HttpResponseRedirect(_page_of(organisation))
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": f"Reset an owner's second factor: {organisation.name}",
        "organisation": organisation,
        "form": form,
        "back": _page_of(organisation),
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "admin/reset_factor.html", context, status=status)


def _said(status: str) -> str:
    if status == FactorResetStatus.PENDING:
        return "Asked for. It is done once another operator sends the same form within 24 hours."
    return "The second factor is reset: the owner has a mail with a link, the other owners know."


def _page_of(organisation: Organisation) -> str:
    return reverse("operator:orgs_organisation_change", args=[organisation.pk])
