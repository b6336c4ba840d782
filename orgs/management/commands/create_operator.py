"""`manage.py create_operator EMAIL`: the first of the platform's own staff."""

from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import IntegrityError

from orgs.services.accounts import create_operator
from semafore.kernel.actor import SYSTEM, acting_as


class Command(BaseCommand):
    """Asks for a password, which never stands on a command line."""

    help = "Create an account for the operator's site; its second factor is set up at sign-in."

    def add_arguments(self, parser: CommandParser) -> None:
        """The address to sign in with."""
        parser.add_argument("email")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Ask, check, create."""
        password = getpass("Password: ")
        try:
            validate_email(options["email"])
            validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        try:
            with acting_as(SYSTEM):
                create_operator(email=options["email"], password=password)
        except IntegrityError as error:
            raise CommandError("There is an account with this address already.") from error
        self.stdout.write(f"{options['email']} may sign in and go to /operator/.")
