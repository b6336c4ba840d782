"""Where the links of invitations lead, and what tells phones that the apps open them."""

from django.urls import path

from invitations import associations, landing

urlpatterns = [
    path("i/", landing.LandingView.as_view(), name="landing"),
    path("i/open", landing.OpenView.as_view(), name="landing_open"),
    path("i/invitation", landing.InvitationView.as_view(), name="landing_invitation"),
    path("i/accept", landing.AcceptView.as_view(), name="landing_accept"),
    path("i/decline", landing.DeclineView.as_view(), name="landing_decline"),
    path(".well-known/apple-app-site-association", associations.apple),
    path(".well-known/assetlinks.json", associations.android),
]
