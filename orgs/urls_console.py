"""Pages of people and settings."""

from django.urls import path

from orgs.console import (
    billing,
    bulk,
    factor_resets,
    maintenance,
    members,
    policy,
    service_tokens,
)

urlpatterns = [
    path("members/<uuid:membership_id>/role", members.MemberRoleView.as_view(), name="member_role"),
    path("members/<uuid:membership_id>/edit", members.MemberEditView.as_view(), name="member_edit"),
    path(
        "members/<uuid:membership_id>/end-date",
        members.MemberEndDateView.as_view(),
        name="member_end_date",
    ),
    path("members/bulk", bulk.BulkUploadView.as_view(), name="members_bulk"),
    path("members/bulk/confirm", bulk.BulkConfirmView.as_view(), name="members_bulk_confirm"),
    path("members/bulk/result", bulk.BulkResultView.as_view(), name="members_bulk_result"),
    path("settings", policy.SettingsView.as_view(), name="settings"),
    path("maintenance", maintenance.MaintenanceView.as_view(), name="maintenance"),
    path(
        "maintenance/<uuid:window_id>",
        maintenance.MaintenanceWindowView.as_view(),
        name="maintenance_window",
    ),
    path("billing", billing.BillingView.as_view(), name="billing"),
    path("billing/months.csv", billing.BillingMonthsFileView.as_view(), name="billing_months_file"),
    path("billing/days", billing.BillingDaysView.as_view(), name="billing_days"),
    path("billing/days.csv", billing.BillingDaysFileView.as_view(), name="billing_days_file"),
    path("settings/policy", policy.PolicyView.as_view(), name="policy"),
    path(
        "settings/service-tokens",
        service_tokens.ServiceTokensView.as_view(),
        name="service_tokens",
    ),
    path(
        "settings/service-tokens/new",
        service_tokens.ServiceTokenNewView.as_view(),
        name="service_token_new",
    ),
    path(
        "settings/service-tokens/<uuid:service_token_id>/revoke",
        service_tokens.ServiceTokenRevokeView.as_view(),
        name="service_token_revoke",
    ),
    path(
        "members/<uuid:membership_id>/factor-reset",
        factor_resets.FactorResetView.as_view(),
        name="factor_reset",
    ),
    path(
        "factor-resets/<uuid:reset_id>",
        factor_resets.FactorResetDecideView.as_view(),
        name="factor_reset_decide",
    ),
]
