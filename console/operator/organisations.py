"""Organisations on the operator's site: created with two founding owners, then only shown."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path

from console.operator.factor_resets import reset_view
from console.operator.site import SITE
from invitations.services.founding import Founder, found_organisation
from orgs.models import Organisation

MOST_NOTICE_HOURS = 24 * 365


class FoundingForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """An organisation and the two people who will own it."""

    sla_notice_hours = forms.IntegerField(
        label="Notice of maintenance, in hours",
        min_value=0,
        max_value=MOST_NOTICE_HOURS,
        initial=72,
    )
    first_owner_name = forms.CharField(max_length=200)
    first_owner_email = forms.EmailField()
    second_owner_name = forms.CharField(max_length=200)
    second_owner_email = forms.EmailField()

    class Meta:
        model = Organisation
        fields = ("name", "slug", "sla_notice_hours")

    def clean(self) -> dict[str, Any]:
        """Two people, so that neither is the last owner for long."""
        cleaned: dict[str, Any] = super().clean() or {}
        emails = [cleaned.get(f"{which}_owner_email", "").lower() for which in ("first", "second")]
        if emails[0] and emails[0] == emails[1]:
            self.add_error("second_owner_email", "Name two people: an owner can lose a factor.")
        return cleaned

    def founders(self) -> list[Founder]:
        """The two, as typed."""
        return [
            Founder(
                name=self.cleaned_data[f"{which}_owner_name"],
                email=self.cleaned_data[f"{which}_owner_email"].lower(),
            )
            for which in ("first", "second")
        ]


@admin.register(Organisation, site=SITE)
class OrganisationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """Create and look; an organisation changes itself in its own console."""

    list_display = ("name", "slug", "sla_notice_hours", "created_at")
    search_fields = ("name", "slug")
    ordering = ("name",)

    def get_urls(self) -> list[URLPattern]:
        """Django's, but for the redirect from addresses of before 1.9: nobody has one here."""
        reset = path(
            "<uuid:organisation_id>/reset-factor/",
            self.admin_site.admin_view(self.reset_factor),
            name="reset_factor",
        )
        return [reset, *super().get_urls()[:-1]]

    def reset_factor(self, request: HttpRequest, organisation_id: UUID) -> HttpResponse:
        """Of an owner (`console/operator/factor_resets.py`)."""
        organisation = get_object_or_404(Organisation, pk=organisation_id)
        return reset_view(self.admin_site, request, organisation)

    def get_form(
        self,
        request: HttpRequest,
        obj: Organisation | None = None,
        change: bool = False,  # noqa: FBT001, FBT002 - as the admin calls it
        **kwargs: Any,
    ) -> Any:
        """The founders are asked for once."""
        if obj is None:
            kwargs["form"] = FoundingForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Organisation | None = None) -> Any:
        """All of the founding form; then the organisation alone."""
        del request
        if obj is None:
            return list(FoundingForm.base_fields)
        return ("name", "slug", "sla_notice_hours", "log_id", "created_at")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Operators have no permissions one by one."""
        return SITE.has_permission(request)

    has_add_permission = has_module_permission

    def has_view_permission(self, request: HttpRequest, obj: Organisation | None = None) -> bool:
        """Operators look at any."""
        del obj
        return SITE.has_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Organisation | None = None) -> bool:
        """Nobody changes an organisation from outside."""
        del request, obj
        return False

    has_delete_permission = has_change_permission

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Organisation, form: Any, change: bool) -> None:  # noqa: FBT001
        """Through the service, which invites the founders too."""
        del request, change
        made = found_organisation(
            name=obj.name,
            slug=obj.slug,
            sla_notice_hours=obj.sla_notice_hours,
            founders=form.founders(),
        )
        obj.pk, obj.log_id, obj.created_at = made.pk, made.log_id, made.created_at
        obj._state.adding = False  # noqa: SLF001 - the admin logs the object it was given
