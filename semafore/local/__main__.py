"""`python -m semafore.local run|test|exec`: what `bin/run`, `bin/test` and `bin/check` call."""

import argparse
import signal
import sys

from semafore.local import commands, run
from semafore.local.lifecycle import LocalServerError
from semafore.local.signals import Ended, ends_on

USAGE = "usage: python -m semafore.local run [--quiet-demo] | test [...] | exec -- COMMAND ..."


def main() -> int:
    """Reads the command line; a problem on the way is one clear line, not a traceback."""
    ends_on(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    try:
        return _dispatch(sys.argv[1:])
    except LocalServerError as error:
        print(f"SemaFore could not start: {error}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(
            f"SemaFore could not start: {error}. Was it started here as another user before? "
            f"Start as that user again, or remove .local (with it go the demo and its data).",
            file=sys.stderr,
        )
        return 1
    except Ended as ended:
        return ended.exit_code


def _dispatch(words: list[str]) -> int:
    match words:
        case ["run", *arguments]:
            parser = argparse.ArgumentParser(prog="bin/run", description=run.__doc__)
            parser.add_argument(
                "--quiet-demo", action="store_true", help="leave the simulated devices out"
            )
            return run.run(quiet_demo=parser.parse_args(arguments).quiet_demo)
        case ["test", *arguments]:
            return commands.test(arguments)
        case ["exec", "--", _, *_]:
            return commands.execute(words[2:])
    print(USAGE, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
