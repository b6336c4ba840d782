"""Pages of invitations."""

from django.urls import path

from invitations.console import bulk, invitations

urlpatterns = [
    path("invitations", invitations.InvitationsView.as_view(), name="invitations"),
    path("invitations/new", invitations.InvitationNewView.as_view(), name="invitation_new"),
    path("invitations/bulk", bulk.InvitationsBulkView.as_view(), name="invitations_bulk"),
    path(
        "invitations/bulk/confirm",
        bulk.InvitationsBulkConfirmView.as_view(),
        name="invitations_bulk_confirm",
    ),
    path(
        "invitations/bulk/template.csv",
        bulk.InvitationsBulkTemplateView.as_view(),
        name="invitations_bulk_template",
    ),
    path(
        "invitations/<uuid:invitation_id>",
        invitations.InvitationView.as_view(),
        name="invitation",
    ),
    path(
        "invitations/<uuid:invitation_id>/resend",
        invitations.InvitationResendView.as_view(),
        name="invitation_resend",
    ),
    path(
        "invitations/<uuid:invitation_id>/new-link",
        invitations.InvitationNewLinkView.as_view(),
        name="invitation_new_link",
    ),
    path(
        "invitations/<uuid:invitation_id>/extend",
        invitations.InvitationExtendView.as_view(),
        name="invitation_extend",
    ),
    path(
        "invitations/<uuid:invitation_id>/revoke",
        invitations.InvitationRevokeView.as_view(),
        name="invitation_revoke",
    ),
]
