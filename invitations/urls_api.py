"""Routes of onboarding, linking and changes of number."""

from django.urls import path

from invitations import api

urlpatterns = [
    path("onboarding", api.OnboardingsView.as_view()),
    path("onboarding/<uuid:onboarding_id>", api.OnboardingView.as_view()),
    path("onboarding/<uuid:onboarding_id>/phone-code", api.PhoneCodeView.as_view()),
    path("onboarding/<uuid:onboarding_id>/phone", api.PhoneView.as_view()),
    path("onboarding/<uuid:onboarding_id>/totp", api.TotpView.as_view()),
    path("onboarding/<uuid:onboarding_id>/device", api.RegistrationView.as_view()),
    path("devices/link-token", api.LinkTokenView.as_view()),
    path("devices/<uuid:device_id>/approve", api.DeviceApprovalView.as_view()),
    path("me/phone", api.MyPhoneView.as_view()),
    path("me/phone/code", api.MyPhoneCodeView.as_view()),
]
