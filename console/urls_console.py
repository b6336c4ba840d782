"""Pages that span apps."""

from django.urls import path

from console.pages import leavers, members, membership, person

urlpatterns = [
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
    path("members/<uuid:membership_id>/end", membership.MemberEndView.as_view(), name="member_end"),
    path("members/<uuid:membership_id>/leaver", leavers.LeaverView.as_view(), name="leaver"),
    path(
        "members/<uuid:membership_id>/leaver/record",
        leavers.LeaverRecordView.as_view(),
        name="leaver_record",
    ),
]
