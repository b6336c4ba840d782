"""What `bin/device` does: each function is one subcommand and prints what it did."""

import asyncio
import hmac
import sys
from collections.abc import Callable
from contextlib import aclosing
from uuid import UUID

from keys.fingerprint import fingerprint
from semafore.local.client.api import ApiProblem, Trace
from semafore.local.client.demo import Demo, DemoDevice, DemoError
from semafore.local.client.device import Agreement, Device
from semafore.local.client.keyfile import KeyFileError
from semafore.local.client.socket import stay_connected
from semafore.local.client.wire import JsonObject, decode
from semafore.local.client.words import (
    approval_in_words,
    duration,
    frame_in_words,
    moment,
    ranges_in_words,
    status_in_words,
    table,
)
from semafore.local.sign_ins import sign_in_lines


def list_devices(demo: Demo) -> None:
    """Print the demo's devices, and the invitations that another one can enrol with."""
    rows = [("NAME", "ORGANISATION", "MEMBER", "DEVICE ID")]
    rows += [
        (device.name, device.organisation, device.member, str(device.device_id))
        for device in demo.devices
    ]
    print("\n".join(table(rows)))
    if demo.invitations:
        print("\nInvitations that nobody has used yet, for `bin/device --as NAME enrol LINK`:")
        links = [
            (invitation.name, invitation.organisation, f"{demo.base_url}/i/#{invitation.token}")
            for invitation in demo.invitations
        ]
        print("\n".join(table(links)))


def codes(demo: Demo) -> None:
    """Print who may sign in at the console, each with the code of the moment."""
    print(f"{demo.base_url}/console/")
    print("\n".join(sign_in_lines(demo.file)))


def enrol(demo: Demo, name: str, link: str, trace: Trace | None) -> None:
    """Bring a new device in by an invitation or link token, up to its approval."""
    if any(device.answers_to(name) for device in demo.devices):
        raise DemoError(f"There is a device called {name!r} already. Say another, with --as NAME.")
    state_file = demo.file.parent / "devices" / f"{name}.json"
    token = token_of(link)
    print(f"Text messages of the demo land in {demo.sms_outbox}, the newest at its end.")
    device = Device.enrol(
        demo.base_url, token, state_file=state_file, name=name, ask=ask, trace=trace
    )
    with device.api as api:
        slug = demo.slugs.get(api.organisation_id, str(api.organisation_id))
        entry = DemoDevice(
            name=name,
            organisation=slug,
            member="you",
            device_id=api.device_id,
            organisation_id=api.organisation_id,
            state_file=state_file,
        )
    demo.add(entry, token)
    print(f"{name} is registered and waits for an administrator, who compares the fingerprint:")
    print(own_fingerprint(device))
    print(f"Approve it at {demo.base_url}/console/{slug}/approvals/{entry.device_id}")


def own_fingerprint(device: Device) -> str:
    """Return the fingerprint of the key that lies here: the server may show one of another."""
    return fingerprint(device.file.load().identity_key, device.api.device_id)


def ask(question: str) -> str:
    """Return what the person types; raises DemoError when nobody is there to."""
    try:
        return input(f"{question}: ").strip()
    except EOFError as error:
        raise DemoError("This needs somebody who answers: run it in a terminal.") from error


def token_of(given: str) -> str:
    """Return the token of an invitation's link, or the token itself."""
    return given.rpartition("#")[2]


def status(device: Device, entry: DemoDevice) -> None:
    """Print the device's fingerprint and key bundle, and whether server and device agree on it."""
    bundle = device.api.status()
    rows = [
        ("device", f"{entry.name}, {entry.member}, {entry.organisation}"),
        ("fingerprint", own_fingerprint(device)),
        *status_in_words(bundle, agrees=device.agrees(bundle)),
    ]
    print("\n".join(table(rows)))


def claim(demo: Demo, device: Device, wanted: str) -> None:
    """Claim a bundle, agree on a secret, and let a device of the demo derive it too."""
    entry, device_id = find_or_parse(demo, wanted)
    name = entry.name if entry is not None else str(device_id)
    agreement = device.agree_with(device_id)
    bundle, one_time = agreement.bundle, agreement.bundle["one_time_pre_key"]
    rows = [
        ("fingerprint", fingerprint(decode(bundle["identity_key"]), device_id)),
        ("approval", approval_in_words(bundle["log"]["index"], proven=agreement.proven)),
        ("signed pre-key", f"id {bundle['signed_pre_key']['key_id']}, its signature is good"),
        (
            "one-time pre-key",
            "none left: agreed without one (three-DH X3DH)"
            if one_time is None
            else f"id {one_time['key_id']}, used up by this",
        ),
    ]
    print(f"Claimed a key bundle of {name} and agreed on a secret.")
    print("\n".join(table(rows)))
    if entry is not None:
        confirm(demo, entry, agreement)


def confirm(demo: Demo, entry: DemoDevice, agreement: Agreement) -> None:
    """Derive the secret on the other device's side as well, and say whether it is the same."""
    try:
        other = demo.open(entry)
    except KeyFileError as error:
        print(f"Whether {entry.name} derives the same secret can't be shown: {error}")
        return
    with other.api:
        same = hmac.compare_digest(other.answer(agreement.header), agreement.secret)
    outcome = "derives the same secret" if same else "derives ANOTHER secret: something is wrong"
    print(f"{entry.name} {outcome} from the first message's header.")


def rotate(device: Device) -> None:
    """Make a new signed pre-key the current one."""
    made = device.rotate()
    signed = made["signed_pre_key"]
    print(f"Signed pre-key {signed['key_id']} is current, until {moment(signed['expires_at'])}.")
    for old in made["previous_signed_pre_keys"]:
        print(f"Signed pre-key {old['key_id']} stays until {moment(old['expires_at'])}.")


def refill(device: Device, count: int) -> None:
    """Make and upload one-time pre-keys."""
    stock = device.refill(count)["one_time_pre_keys"]
    print(f"Uploaded {count} one-time pre-keys. {stock_in_words(stock)}")


def withdraw(device: Device) -> None:
    """Withdraw the one-time pre-keys that nobody has claimed."""
    stock = device.withdraw()["one_time_pre_keys"]
    print(f"Withdrew the unclaimed one-time pre-keys. {stock_in_words(stock)}")


def revoke(demo: Demo, device: Device, wanted: str) -> None:
    """Revoke one of the person's own devices."""
    entry, device_id = find_or_parse(demo, wanted)
    device.api.revoke(device_id)
    name = entry.name if entry is not None else str(device_id)
    print(f"Revoked {name}: its key bundle, queued mail and tokens are gone.")


def token(device: Device) -> None:
    """Print a bearer token alone, for `TOKEN=$(bin/device token ...)`."""
    if sys.stdout.isatty():
        raise DemoError("A token is not for the screen. Use: TOKEN=$(bin/device token --as NAME)")
    print(device.api.token())


def watch(demo: Demo, device: Device, entry: DemoDevice) -> None:
    """Hold the device's socket, say what comes, and keep its keys stocked and fresh."""
    try:
        # First, so that a server that isn't there is an error at once and not a long wait.
        device.api.token()
        say(f"Watching as {entry.name}. Ctrl-C ends it.")
        asyncio.run(watching(demo.events_url, device, say))
    except ApiProblem as problem:
        if problem.code != "access_revoked" or problem.body.get("wipe") is not True:
            raise
        device.file.wipe()
        raise DemoError(f"{entry.name} was revoked. Its keys were deleted here.") from problem


async def watching(
    events_url: str,
    device: Device,
    tell: Callable[[str], None],
    store: Callable[[JsonObject], object] | None = None,
) -> None:
    """React to each frame until replaced; raises the ApiProblem that shuts the device out.

    Without `store` envelopes are only looked at, and wait on.
    """

    def closed(reason: str, seconds: float | None) -> None:
        if seconds is None:
            tell("another socket of this device took over: not connecting again")
        else:
            tell(f"{reason}: connecting again in {duration(seconds)}")

    def get_token(renew: bool) -> str:  # noqa: FBT001 -- the socket's callback
        return device.api.token(renew=renew)

    frames = stay_connected(events_url, get_token, store=store, closed=closed)
    async with aclosing(frames):
        async for frame in frames:
            if store is None or frame["type"] != "envelope":
                tell(frame_in_words(frame))
            try:
                done = await asyncio.to_thread(device.maintain, frame)
            except ApiProblem as problem:
                # 401 and 403 come again, with more to say, when the socket asks for a token.
                done = f"could not see to it: {problem}"
            if done is not None:
                tell(done)


def find_or_parse(demo: Demo, wanted: str) -> tuple[DemoDevice | None, UUID]:
    """Return a demo device and its id, or None and the id given; raises DemoError otherwise."""
    try:
        entry = demo.find(wanted)
    except DemoError:
        try:
            return None, UUID(wanted)
        except ValueError:
            pass
        raise
    return entry, entry.device_id


def stock_in_words(stock: JsonObject) -> str:
    """Return a sentence about the one-time pre-keys that are available."""
    ranges = ranges_in_words(stock["available_ranges"])
    return f"{stock['available']} are available" + (f" (ids {ranges})." if ranges else ".")


def say(line: str) -> None:
    """Print a line at once, so that a watcher sees it when it happens."""
    print(line, flush=True)
