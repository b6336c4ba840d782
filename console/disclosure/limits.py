"""What the report can't list: what isn't there, how that is checked, and what isn't looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that the report doesn't hold."""

    what: str
    why: str
    check: str


IMPOSSIBLE = (
    Limit(
        "What messages say",
        "Messages are encrypted on the sending device for each receiving one. The server has their "
        "ciphertext until it is fetched, 30 days at most, and no key to it.",
        "Read the tables messaging_message and messaging_envelope: there is no column for content. "
        "docs/openapi.yaml and docs/socket.md have no field for it.",
    ),
    Limit(
        "Private keys of devices, session keys, keys of messages",
        "They are made on the device and never sent. A field that the API doesn't know is refused.",
        "docs/openapi.yaml names every field that a device may send: public keys and signatures. "
        "tests/test_no_secrets.py sends private keys by mistake and looks for them everywhere.",
    ),
    Limit(
        "Messages that were delivered",
        "Their ciphertext is deleted as soon as the device says that it has them. That they were, "
        "to whom and when, is kept and counted above.",
        "Acknowledge a message and read messaging_envelope: its row is gone.",
    ),
    Limit(
        "A way to get any of it later",
        "There is no recovery of keys, no archive and no reset that returns content.",
        "docs/openapi.yaml lists every route. None returns a private key or content.",
    ),
    Limit(
        "Passwords, access tokens, links, codes and recovery codes in clear",
        "Of each the server keeps a hash.",
        "Read the tables orgs_account, orgs_recoverycode, orgs_mailedlink, orgs_servicetoken, "
        "keys_devicetoken, invitations_linktoken and invitations_phoneproof. "
        "tests/security/test_planted.py plants each and looks for it everywhere.",
    ),
    Limit(
        "People in billing records",
        "They are counts of seats by day and kind.",
        "The page Billing and its CSV: numbers alone.",
    ),
    Limit(
        "Address books and locations",
        "The apps don't send them: there is no route that takes them.",
        "docs/openapi.yaml has no field for them.",
    ),
)

NOT_LOOKED_AT = (
    Limit(
        "What is sealed under FIELD_KEYS: the key of the second factor, push tokens",
        "That they exist is listed. Whoever holds FIELD_KEYS and the database can open them. They "
        "open no message.",
        "orgs_factor.sealed_key, messaging_pushtoken.token.",
    ),
    Limit(
        "Backups",
        "A backup holds what the database held then, for as long as it is kept.",
        "Restore it somewhere safe, and run this command there.",
    ),
    Limit(
        "Logs of processes and of the proxy before them",
        "The server's own name requests, not people. A proxy's may have addresses.",
        "docs/disclosure.md says what to look for.",
    ),
    Limit(
        "Files of exports, and what has gone to a SIEM",
        "They were handed to the organisation, on its own behalf.",
        "Exports about the person are counted above. Ask the organisation.",
    ),
)
