"""List, issue, look at and change invitations."""

from typing import Any, ClassVar
from uuid import UUID

import segno
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from invitations.forms.console import ExtendForm, FilterForm, ReasonForm
from invitations.forms.issuing import ConsoleForm, DeviceForm, InvitationForm, MemberForm
from invitations.models import Channel, Invitation, Purpose
from invitations.selectors.invitations import get_invitation, invitations
from invitations.services import changes
from invitations.services.issuing import issue_invitation
from invitations.services.progress import UNDECIDED
from invitations.services.terms import BY_EMAIL
from invitations.services.tokens import invitation_link
from semafore.kernel import clock
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.names import called
from semafore.kernel.paging import paginate
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound, NotPermitted


class InvitationsView(ConsoleView):
    """The list."""

    requires = Permission.PEOPLE_READ
    title = "Invitations"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Filtered by what the address says, newest first."""
        form = FilterForm(request.GET)
        wanted = form.cleaned_data if form.is_valid() else {}
        page = paginate(
            invitations(**wanted), by=("-issued_at", "-id"), cursor=request.GET.get("cursor")
        )
        context = {
            "page": page,
            "form": form,
            "filtered": any(wanted.values()) or not form.is_valid(),
            "may_invite": Permission.MEMBERS_INVITE in self.seat.permissions,
        }
        return self.page(request, "console/invitations/list.html", context)


class InvitationNewView(ConsoleView):
    """Issue one; `?purpose=` says what for.

    Sensitive, since it may make an owner: whoever stole a session would keep the organisation.
    """

    requires = Permission.MEMBERS_INVITE
    sensitive = True
    title = "Invite somebody"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form; `?member=` fills in whose device is replaced."""
        return self._show(request, self._form(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Issue, then show the invitation."""
        form = self._form(request)
        if form.is_valid():
            with self.refusals(form):
                invitation = issue_invitation(draft=form.draft())
                return HttpResponseRedirect(self.link("invitation", invitation.id))
        return self._show(request, form)

    @property
    def _every_role(self) -> bool:
        return Permission.ROLES_MANAGE in self.seat.permissions

    def _purposes(self) -> list[Purpose]:
        offered = [Purpose.MEMBER, Purpose.DEVICE]
        # Who comes to the console alone comes with a role.
        return [*offered, Purpose.CONSOLE] if self._every_role else offered

    def _form(self, request: HttpRequest) -> InvitationForm:
        typed = request.POST if request.method == "POST" else None
        purpose = request.GET.get("purpose", Purpose.MEMBER)
        # The operator invites founders; guests are invited by the approval of a room.
        if purpose not in Purpose.values or purpose in (Purpose.FOUNDING, Purpose.GUEST):
            raise NotFound
        if purpose not in self._purposes():
            raise NotPermitted
        match purpose:
            case Purpose.DEVICE:
                return DeviceForm(typed, initial={"member": request.GET.get("member", "")})
            case Purpose.CONSOLE:
                return ConsoleForm(typed, every_role=self._every_role)
            case _:
                return MemberForm(typed, every_role=self._every_role)

    def _show(self, request: HttpRequest, form: InvitationForm) -> HttpResponse:
        context = {
            "form": form,
            "purposes": self._purposes(),
            "may_ask": Permission.ROOMS_MANAGE in self.seat.permissions,
        }
        status = 422 if form.is_bound else 200
        return self.page(request, "console/invitations/new.html", context, status)


class InvitationView(ConsoleView):
    """One invitation; with its link, for who may hand it on."""

    requires = Permission.PEOPLE_READ
    title = "Invitation"

    def get(self, request: HttpRequest, invitation_id: UUID) -> HttpResponse:
        """All that is known of it.

        Who holds the link of one that is redeemed by email proves the address by it, so nobody but
        the mail's reader sees that.
        """
        invitation = get_invitation(invitation_id)
        may_invite = Permission.MEMBERS_INVITE in self.seat.permissions
        undecided = invitation.state in UNDECIDED
        usable = undecided and invitation.expires_at > clock.now()
        link = ""
        if may_invite and usable and invitation.purpose not in BY_EMAIL:
            link = invitation_link(invitation)
        context = {
            "title": called(invitation),
            "invitation": invitation,
            "link": link,
            "qr": segno.make(link).svg_data_uri(scale=4, border=2, light="#fff") if link else "",
            "may_resend": may_invite and usable and invitation.channel != Channel.HAND,
            "may_renew": may_invite and usable,
            "may_extend": may_invite
            and (undecided or (invitation.state == "expired" and invitation.name != "")),
            "may_revoke": may_invite and (undecided or invitation.state == "expired"),
        }
        return self.page(request, "console/invitations/detail.html", context)


class _Change(ConsoleView):
    """A page for one decision about one invitation."""

    requires = Permission.MEMBERS_INVITE
    form_class: ClassVar[type[Form]] = Form
    submit: ClassVar[str]
    done: ClassVar[str]
    danger: ClassVar[bool] = False

    def get(self, request: HttpRequest, invitation_id: UUID) -> HttpResponse:
        """What will happen, to whom."""
        return self._show(request, get_invitation(invitation_id), self.form_class())

    def post(self, request: HttpRequest, invitation_id: UUID) -> HttpResponse:
        """Let it happen."""
        invitation = get_invitation(invitation_id)
        form = self.form_class(request.POST)
        if form.is_valid():
            with self.refusals(form):
                self.act(invitation_id, form.cleaned_data)
                messages.success(request, self.done.format(name=invitation.name))
                return HttpResponseRedirect(self.link("invitation", invitation_id))
        return self._show(request, invitation, form)

    def act(self, invitation_id: UUID, typed: dict[str, Any]) -> None:
        """Call the service."""
        raise NotImplementedError

    def consequences(self, invitation: Invitation) -> list[str]:
        """Sentences that say what will happen, to whom."""
        raise NotImplementedError

    def _show(self, request: HttpRequest, invitation: Invitation, form: Form) -> HttpResponse:
        context = {
            "title": self.title.format(name=invitation.name),
            "consequences": self.consequences(invitation),
            "form": form,
            "submit": self.submit,
            "danger": self.danger,
            "cancel": self.link("invitation", invitation.id),
        }
        status = 422 if form.is_bound else 200
        return self.page(request, "console/confirm.html", context, status)


def _way(invitation: Invitation) -> str:
    match invitation.channel:
        case Channel.SMS:
            return f"It goes to {invitation.phone} by SMS."
        case Channel.EMAIL:
            return f"It goes to {invitation.email} by email."
        case _:
            return "You pass it on by hand: it is on the invitation's page."


class InvitationResendView(_Change):
    """The same link again."""

    title = "Send {name}'s invitation again"
    submit = "Send again"
    done = "{name}'s invitation is being sent again."

    def consequences(self, invitation: Invitation) -> list[str]:
        """Nothing changes but that it is sent."""
        return [f"{invitation.name} gets the same link once more.", _way(invitation)]

    def act(self, invitation_id: UUID, typed: dict[str, Any]) -> None:
        """Call the service."""
        del typed
        changes.resend(invitation_id=invitation_id)


class InvitationNewLinkView(_Change):
    """A new link."""

    title = "Give {name} a new link"
    submit = "Make a new link"
    done = "{name} has a new link; the old one is dead."
    danger = True

    def consequences(self, invitation: Invitation) -> list[str]:
        """The old one dies."""
        return [
            f"The link that {invitation.name} has now stops working at once.",
            "What was begun through it ends.",
            f"A new link takes its place. {_way(invitation)}",
        ]

    def act(self, invitation_id: UUID, typed: dict[str, Any]) -> None:
        """Call the service."""
        del typed
        changes.new_link(invitation_id=invitation_id)


class InvitationExtendView(_Change):
    """More time."""

    title = "Extend {name}'s invitation"
    form_class = ExtendForm
    submit = "Extend"
    done = "{name}'s invitation is extended."

    def consequences(self, invitation: Invitation) -> list[str]:
        """The link stays the same."""
        return [
            f"The link that {invitation.name} has works for this many days from now on.",
            "Nothing is sent.",
        ]

    def act(self, invitation_id: UUID, typed: dict[str, Any]) -> None:
        """Call the service."""
        changes.extend(invitation_id=invitation_id, valid_days=typed["valid_days"])


class InvitationRevokeView(_Change):
    """The end of it."""

    title = "Revoke {name}'s invitation"
    form_class = ReasonForm
    submit = "Revoke the invitation"
    done = "{name}'s invitation is revoked."
    danger = True

    def consequences(self, invitation: Invitation) -> list[str]:
        """The link dies for good."""
        return [
            f"{invitation.name}'s link stops working at once, and what was begun through it ends.",
            "It can't be undone: to invite the person after all, issue a new invitation.",
            "The reason is kept with the invitation and in the audit log.",
        ]

    def act(self, invitation_id: UUID, typed: dict[str, Any]) -> None:
        """Call the service."""
        changes.revoke(invitation_id=invitation_id, reason=typed["reason"])
