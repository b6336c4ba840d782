"""`bin/device`: one device of the demo in your hands. Expected failures are one clear line."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import httpx
from websockets.exceptions import WebSocketException

from semafore.local.client import commands, evidence, talking
from semafore.local.client.agreement import AgreementError
from semafore.local.client.api import ApiProblem, Trace
from semafore.local.client.demo import DEMO_FILE, Demo, DemoError
from semafore.local.client.device import STOCK, Device
from semafore.local.client.keyfile import KeyFileError
from semafore.local.client.log import LogError
from semafore.local.client.receipts import ReceiptError

EXPLAINED = (
    DemoError,
    KeyFileError,
    AgreementError,
    LogError,
    ReceiptError,
    WebSocketException,
)
"""Their messages are for the person at the terminal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns 0, 1 on a failure that was explained, 130 on Ctrl-C."""
    options = parser().parse_args(arguments)
    try:
        run(options)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except httpx.TransportError as error:
        where = Demo.load(options.demo).base_url
        return fail(f"No server answers at {where} ({error}). Start it with: bin/run")
    except ApiProblem as problem:
        return fail(explained(problem))
    except EXPLAINED as error:
        return fail(str(error))
    return 0


def run(options: argparse.Namespace) -> None:
    """Find the demo and the device to be, and do what was asked."""
    demo = Demo.load(options.demo)
    if options.command == "list":
        commands.list_devices(demo)
        return
    if options.command == "codes":
        commands.codes(demo)
        return
    if options.command == "enrol":
        session = "TOKEN is the session_token of the last answer that had one"
        trace = trace_after(session) if options.trace else None
        commands.enrol(demo, options.name or "mine", options.link, trace)
        return
    if options.name is None:
        names = ", ".join(device.name for device in demo.devices)
        raise DemoError(f"Say which device to be, with --as NAME. There are: {names}")
    entry = demo.find(options.name)
    where = f"TOKEN=$(bin/device token --as {entry.name})"
    trace = trace_after(where) if options.trace else None
    with (device := demo.open(entry, trace)).api:
        dispatch(options, demo, device)


def dispatch(options: argparse.Namespace, demo: Demo, device: Device) -> None:
    """Call the subcommand's function."""
    entry = demo.find(options.name)
    acts: dict[str, Callable[[], None]] = {
        "status": lambda: commands.status(device, entry),
        "claim": lambda: commands.claim(demo, device, options.device),
        "rotate": lambda: commands.rotate(device),
        "refill": lambda: commands.refill(device, options.count),
        "withdraw": lambda: commands.withdraw(device),
        "revoke": lambda: commands.revoke(demo, device, options.device),
        "token": lambda: commands.token(device),
        "watch": lambda: commands.watch(demo, device, entry),
        "rooms": lambda: talking.list_rooms(device),
        "send": lambda: talking.send(device, options.room, options.text),
        "log": lambda: evidence.log(device, options.save),
        "proof": lambda: evidence.proof(device, options.message),
        "receive": lambda: talking.receive(demo, device, once=options.once),
    }
    acts[options.command]()


def parser() -> argparse.ArgumentParser:
    """Return the command line; `--as` and `--trace` may stand before or after the subcommand."""
    root = argparse.ArgumentParser(
        prog="bin/device",
        description="One device of the demo in your hands. Start the server first: bin/run",
    )
    add_common(root, name=None, trace=False, demo=DEMO_FILE)
    subcommands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, words: str) -> argparse.ArgumentParser:
        subcommand = subcommands.add_parser(name, help=words, description=words)
        # A default here would overwrite what stood before the subcommand.
        suppressed = argparse.SUPPRESS
        add_common(subcommand, name=suppressed, trace=suppressed, demo=suppressed)
        return subcommand

    add("list", "list the demo's devices, and its unused invitations")
    add("codes", "list who may sign in at the console, with codes that are good now")
    enrol = add("enrol", "bring a new device in, called NAME, by an invitation or link token")
    enrol.add_argument("link", metavar="LINK", help="the invitation's link, or its token alone")
    add("status", "show the device's fingerprint and key bundle")
    claim = add("claim", "claim a key bundle and agree on a secret with its device")
    claim.add_argument("device", metavar="DEVICE", help="a name from the list, or a device id")
    add("rotate", "make a new signed pre-key the current one")
    refill = add("refill", "make and upload one-time pre-keys")
    refill.add_argument(
        "count", metavar="N", nargs="?", type=number_of_keys, default=STOCK, help="how many keys"
    )
    add("withdraw", "withdraw the one-time pre-keys that nobody has claimed")
    add("watch", "hold the device's socket, say what comes, and look after the keys")
    add("rooms", "list the rooms that the device's person is in")
    send = add("send", "send a text to a room, encrypted for each of its devices")
    send.add_argument("room", metavar="ROOM", help="a room's name or id, or a person's name")
    send.add_argument("text", metavar="TEXT", help="what to say")
    receive = add("receive", "print what others say; with --once, only what waits")
    receive.add_argument("--once", action="store_true", help="end when nothing more waits")
    log = add("log", "show the log's newest checkpoint, and hold it against the last one seen")
    log.add_argument(
        "--save", metavar="FILE", type=Path, help="write the proof of that, for verifier.py"
    )
    proof = add("proof", "fetch a sent message's proof, verify it, and say what was checked")
    proof.add_argument("message", metavar="MESSAGE_ID", type=UUID, help="as `send` prints it")
    revoke = add("revoke", "revoke one of the person's own devices")
    revoke.add_argument("device", metavar="DEVICE", help="a name from the list, or a device id")
    add("token", "print a bearer token, for TOKEN=$(bin/device token --as NAME)")
    return root


def add_common(
    to: argparse.ArgumentParser, *, name: str | None, trace: bool | str, demo: Path | str
) -> None:
    """Add the options of every subcommand, with these defaults."""
    to.add_argument("--as", dest="name", metavar="NAME", default=name, help="the device to be")
    to.add_argument(
        "--trace", action="store_true", default=trace, help="print each request as a curl command"
    )
    to.add_argument("--demo", type=Path, default=demo, help=argparse.SUPPRESS)


def number_of_keys(text: str) -> int:
    """Return a number of keys from 1 to 1000, the most that the server holds."""
    number = int(text)
    if number not in range(1, 1001):
        raise argparse.ArgumentTypeError("1 to 1000 keys")
    return number


def trace_after(where: str) -> Trace:
    """Return what prints each request, after a line that says where its token comes from."""
    print(f"# {where}", file=sys.stderr)
    return lambda line: print(line, file=sys.stderr, flush=True)


def explained(problem: ApiProblem) -> str:
    """Return what a refusal means to the person at the terminal."""
    meanings = {
        "spk_expired": "The device's signed pre-key has expired; its owner is told to rotate.",
        "access_revoked": "This device was revoked.",
        "awaiting_approval": "This device waits for an administrator's approval.",
    }
    meaning = meanings.get(problem.code)
    later = problem.body.get("retry_after")
    told = f"The server refused: {problem}" if meaning is None else f"{meaning} ({problem})"
    return told if later is None else f"{told} Try again in {later} seconds."


def fail(message: str) -> int:
    """Print a failure; returns the exit status for it."""
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
