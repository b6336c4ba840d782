"""Sign-in, and what is about the signed-in person."""

from django.urls import path

from orgs.console import account, passwords, sign_in

urlpatterns = [
    path("", sign_in.ConsolesView.as_view(), name="consoles"),
    path("sign-in", sign_in.SignInView.as_view(), name="sign_in"),
    path("sign-in/code", sign_in.SignInCodeView.as_view(), name="sign_in_code"),
    path("sign-in/factor", sign_in.SignInFactorView.as_view(), name="sign_in_factor"),
    path("sign-in/link", sign_in.SignInLinkView.as_view(), name="sign_in_link"),
    path("sign-in/link/<str:token>", sign_in.FactorLinkView.as_view(), name="factor_link"),
    path("sign-out", sign_in.SignOutView.as_view(), name="sign_out"),
    path("step-up", sign_in.StepUpView.as_view(), name="step_up"),
    path(
        "password/forgotten", passwords.PasswordForgottenView.as_view(), name="password_forgotten"
    ),
    path("password/new", passwords.PasswordNewView.as_view(), name="password_new"),
    path("password/link/<str:token>", passwords.PasswordResetView.as_view(), name="password_reset"),
    path("account/", account.OwnAccountView.as_view(), name="account"),
    path("account/password", account.PasswordChangeView.as_view(), name="password_change"),
    path("account/factor", account.FactorView.as_view(), name="factor"),
    path("account/recovery-codes", account.RecoveryCodesView.as_view(), name="recovery_codes"),
    path(
        "account/sessions/end-others",
        account.OtherSessionsEndView.as_view(),
        name="sessions_end_others",
    ),
    path(
        "account/sessions/<uuid:session_id>/end",
        account.SessionEndView.as_view(),
        name="session_end",
    ),
]
