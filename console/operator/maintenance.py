"""Windows of maintenance on the operator's site: announced, changed, and seen through."""

from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from console.operator.maintenance_acts import ACTS, Act
from console.operator.site import SITE
from orgs.models import SUMMARY_LENGTH, MaintenanceKind, MaintenanceStatus, MaintenanceWindow
from orgs.services.maintenance import Plan, announce_window, change_window, check_plan
from semafore.kernel.problems import Problem

OVER = (MaintenanceStatus.ENDED, MaintenanceStatus.CANCELLED)


def moment_field(label: str) -> forms.DateTimeField:
    """To the second: what begins now does so between two minutes."""
    attributes = {"type": "datetime-local", "step": 1}
    widget = forms.DateTimeInput(attrs=attributes, format="%Y-%m-%dT%H:%M:%S")
    return forms.DateTimeField(label=label, widget=widget)


class WindowForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """A window, as organisations will read it."""

    starts_at = moment_field("From, in UTC")
    ends_at = moment_field("To, in UTC")
    kind = forms.ChoiceField(
        label="Affected", choices=MaintenanceKind.choices, widget=forms.RadioSelect
    )
    summary = forms.CharField(
        label="What is done, in plain words",
        max_length=SUMMARY_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    emergency_reason = forms.CharField(
        label="Reason of the emergency",
        max_length=SUMMARY_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Where organisations get less notice than they were promised. They are told.",
    )

    class Meta:
        model = MaintenanceWindow
        fields = ("summary", "kind", "starts_at", "ends_at", "emergency_reason")

    def clean(self) -> dict[str, Any]:
        """What stands against it, before anything is done."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            before = MaintenanceWindow.objects.filter(pk=self.instance.pk).first()
            try:
                check_plan(plan=self.plan(), before=before)
            except Problem as problem:
                self.add_error(None, problem.detail)
        return cleaned

    def plan(self) -> Plan:
        """As typed."""
        typed = self.cleaned_data
        return Plan(**{**typed, "kind": MaintenanceKind(typed["kind"])})


@admin.register(MaintenanceWindow, site=SITE)
class MaintenanceWindowAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """Announce, change while it isn't over, and the acts."""

    form = WindowForm
    change_form_template = "admin/maintenance_window.html"
    list_display = ("summary", "kind", "starts_at", "ends_at", "standing")
    ordering = ("-starts_at", "-id")

    @admin.display(description="Status")
    def standing(self, window: MaintenanceWindow) -> str:
        """In a word."""
        return window.status.label

    @admin.display(description="Who was told when")
    def told(self, window: MaintenanceWindow) -> SafeString:
        """Each step: when it was, how many organisations have been told, when the last was."""
        return format_html_join(
            SafeString("<br>"),
            "{}, {}: {} organisation{} told{}",
            (
                (
                    step.get_occasion_display(),
                    f"{step.at:%-d %b %Y, %H:%M} UTC",
                    step.told,
                    pluralize(step.told),
                    f", the last on {step.told_at:%-d %b %Y, %H:%M} UTC" if step.told_at else "",
                )
                for step in window.steps.order_by("id")
            ),
        )

    def get_fields(self, request: HttpRequest, obj: MaintenanceWindow | None = None) -> Any:
        """The form; then what became of it."""
        del request
        fields = WindowForm.Meta.fields
        return fields if obj is None else (*fields, "standing", "told")

    def get_readonly_fields(
        self, request: HttpRequest, obj: MaintenanceWindow | None = None
    ) -> tuple[str, ...]:
        """What became of it."""
        del request
        return () if obj is None else ("standing", "told")

    def get_urls(self) -> list[URLPattern]:
        """Django's, but for the redirect from addresses of before 1.9; and a page for each act."""
        acts = [
            path(
                f"<uuid:window_id>/{act.name}/",
                self.admin_site.admin_view(partial(self.act_view, act)),
                name=f"maintenance_{act.name}",
            )
            for act in ACTS
        ]
        return [*acts, *super().get_urls()[:-1]]

    def act_view(self, act: Act, request: HttpRequest, window_id: UUID) -> HttpResponse:
        """Ask, then do it; a refusal is said on the page."""
        window = MaintenanceWindow.objects.filter(id=window_id).first()
        if window is None:
            raise Http404
        form = act.form(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                act.carry_out(window_id, form.cleaned_data)
            except Problem as problem:
                form.add_error(None, problem.detail)
            else:
                messages.success(request, f"{act.label}: done.")
                return HttpResponseRedirect(
                    reverse("admin:orgs_maintenancewindow_change", args=[window_id])
                )
        context = {
            **self.admin_site.each_context(request),
            "title": f"{act.label}: {window.summary}",
            "window": window,
            "opts": self.opts,
            "act": act,
            "form": form,
        }
        return TemplateResponse(request, "admin/maintenance_act.html", context)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """With the acts that its status allows.

        What somebody else has done in the meantime is said, and nothing is changed.
        """
        window = self.get_object(request, object_id) if object_id else None
        acts = [act for act in ACTS if window and window.status in act.allowed]
        context = {**(extra_context or {}), "acts": acts}
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except Problem as problem:
            messages.error(request, problem.detail)
            return HttpResponseRedirect(request.path)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Operators have no permissions one by one."""
        return SITE.has_permission(request)

    has_add_permission = has_module_permission

    def has_view_permission(
        self, request: HttpRequest, obj: MaintenanceWindow | None = None
    ) -> bool:
        """Any."""
        del obj
        return SITE.has_permission(request)

    def has_change_permission(
        self, request: HttpRequest, obj: MaintenanceWindow | None = None
    ) -> bool:
        """Until it is over."""
        return SITE.has_permission(request) and (obj is None or obj.status not in OVER)

    def has_delete_permission(
        self, request: HttpRequest, obj: MaintenanceWindow | None = None
    ) -> bool:
        """What organisations were told stays."""
        del request, obj
        return False

    def save_model(
        self,
        request: HttpRequest,
        obj: MaintenanceWindow,
        form: Any,
        change: bool,  # noqa: FBT001
    ) -> None:
        """Through the services."""
        del request
        if change:
            change_window(window_id=obj.pk, plan=form.plan())
            return
        made = announce_window(plan=form.plan())
        obj.pk, obj.announced_at = made.pk, made.announced_at
        obj._state.adding = False  # noqa: SLF001 - the admin logs the object it was given
