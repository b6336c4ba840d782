"""Pages that span apps."""

from django.urls import path

from console.pages import (
    approvals,
    holds,
    managed_app,
    members,
    membership,
    overview,
    person,
    phone_changes,
    retention,
    search,
    subject_access,
)
from console.playbooks import (
    incident_room,
    investigation,
    leaver,
    lost_phone,
    pages,
    supplier_breach,
)
from orgs.managed_app_files import FILES

urlpatterns = [
    path("", overview.OverviewView.as_view(), name="overview"),
    path("search", search.SearchView.as_view(), name="search"),
    path("approvals", approvals.ApprovalsView.as_view(), name="approvals"),
    path("approvals/batch", approvals.BatchView.as_view(), name="approvals_batch"),
    path(
        "approvals/phone-changes/<uuid:phone_change_id>",
        phone_changes.PhoneChangeView.as_view(),
        name="phone_change",
    ),
    path("approvals/<uuid:device_id>", approvals.ApprovalView.as_view(), name="approval"),
    path("approvals/<uuid:device_id>/deny", approvals.DenyView.as_view(), name="approval_deny"),
    path("members", members.MembersView.as_view(), name="members"),
    path("members/<uuid:membership_id>", person.PersonView.as_view(), name="member"),
    path(
        "members/<uuid:membership_id>/suspend",
        membership.MemberSuspendView.as_view(),
        name="member_suspend",
    ),
    path(
        "members/<uuid:membership_id>/activate",
        membership.MemberActivateView.as_view(),
        name="member_activate",
    ),
    path(
        "members/<uuid:membership_id>/subject-access",
        subject_access.SubjectAccessView.as_view(),
        name="subject_access",
    ),
    path("managed-app", managed_app.ManagedAppView.as_view(), name="managed_app"),
    path(
        "managed-app/change",
        managed_app.ManagedAppChangeView.as_view(),
        name="managed_app_change",
    ),
    *(
        path(
            f"managed-app/{file.name}",
            managed_app.ManagedAppFileView.as_view(file=file),
            name=f"managed_app_{file.key}",
        )
        for file in FILES
    ),
    path("playbooks", pages.PlaybooksView.as_view(), name="playbooks"),
    path("playbooks/lost-phone", lost_phone.LostPhoneView.as_view(), name="playbook_lost_phone"),
    path("playbooks/leaver", leaver.LeaverView.as_view(), name="playbook_leaver"),
    path(
        "playbooks/supplier-breach",
        supplier_breach.SupplierBreachView.as_view(),
        name="playbook_supplier_breach",
    ),
    path(
        "playbooks/incident-room",
        incident_room.IncidentRoomView.as_view(),
        name="playbook_incident_room",
    ),
    path(
        "playbooks/investigation",
        investigation.InvestigationView.as_view(),
        name="playbook_investigation",
    ),
    path("playbooks/records", pages.RecordsView.as_view(), name="playbook_records"),
    path("playbooks/records/<uuid:event_id>", pages.RecordView.as_view(), name="playbook_record"),
    path("retention", retention.RetentionView.as_view(), name="retention"),
    path("retention/change", retention.RetentionChangeView.as_view(), name="retention_change"),
    path("retention/deletions", retention.DeletionsView.as_view(), name="deletions"),
    path(
        "retention/requests/<uuid:retention_request_id>",
        retention.RetentionRequestView.as_view(),
        name="retention_request",
    ),
    path(
        "retention/requests/<uuid:retention_request_id>/withdraw",
        retention.RetentionWithdrawView.as_view(),
        name="retention_withdraw",
    ),
    path("retention/holds", holds.HoldsView.as_view(), name="holds"),
    path("retention/holds/new", holds.HoldNewView.as_view(), name="hold_new"),
    path("retention/holds/<uuid:hold_id>", holds.HoldView.as_view(), name="hold"),
    path("retention/holds/<uuid:hold_id>/lift", holds.HoldLiftView.as_view(), name="hold_lift"),
]
