"""Pages for one decision: what will happen, to whom; then the act, and back."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from semafore.kernel.http.console import ConsoleView


class DecisionView(ConsoleView):
    """Asks with `console/confirm.html` and acts on the POST; a refusal keeps what was typed.

    `title` may name the subject: "Suspend {0.name}".
    """

    sensitive = True
    form_class: ClassVar[type[Form]]
    submit: ClassVar[str]
    danger: ClassVar[bool] = False

    def subject(self, **ids: UUID) -> Any:
        """What the decision is about. Raises NotFound."""
        raise NotImplementedError

    def consequences(self, subject: Any) -> list[str]:
        """What will happen, to whom, in sentences."""
        raise NotImplementedError

    def initial(self, subject: Any) -> dict[str, Any]:
        """What stands in the form at first."""
        del subject
        return {}

    def act(self, subject: Any, data: dict[str, Any]) -> str:
        """Call the service; what to say afterwards. Raises Problems."""
        raise NotImplementedError

    def elsewhere(self, subject: Any) -> str:
        """Where to go instead."""
        raise NotImplementedError

    def afterwards(self, subject: Any) -> str:
        """Where to go once it is done: the same place, if nothing else is said."""
        return self.elsewhere(subject)

    def get(self, request: HttpRequest, **ids: UUID) -> HttpResponse:
        """Ask."""
        subject = self.subject(**ids)
        return self._ask(request, subject, self.form_class(initial=self.initial(subject)))

    def post(self, request: HttpRequest, **ids: UUID) -> HttpResponse:
        """Act, or say what stands against it."""
        subject = self.subject(**ids)
        form = self.form_class(request.POST, initial=self.initial(subject))
        if form.is_valid():
            with self.refusals(form):
                messages.success(request, self.act(subject, form.cleaned_data))
                return HttpResponseRedirect(self.afterwards(subject))
        return self._ask(request, subject, form, status=422)

    def _ask(
        self, request: HttpRequest, subject: Any, form: Form, status: int = 200
    ) -> HttpResponse:
        context = {
            "title": self.title.format(subject),
            "consequences": self.consequences(subject),
            "form": form,
            "submit": self.submit,
            "danger": self.danger,
            "cancel": self.elsewhere(subject),
        }
        return self.page(request, "console/confirm.html", context, status=status)
