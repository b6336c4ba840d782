"""Syslog over TLS: octet-counted frames (RFC 5425, 4.3), with no answer from the other side."""

import fcntl
import socket
import ssl
import struct
import termios
import time
from collections.abc import Sequence
from typing import Final

PAUSE: Final = 0.002
"""Seconds between two looks at what the other host has confirmed."""

FAREWELL: Final = 2
"""Seconds that a receiver has to answer the close."""


class Connection:
    """An open connection to a receiver; made by `connect`."""

    def __init__(self, tls: ssl.SSLSocket, timeout: float) -> None:
        self._socket = tls
        self._timeout = timeout

    def send(self, messages: Sequence[bytes]) -> None:
        """Send messages, and wait until the receiver's host has confirmed all bytes.

        That it has them is more than "written", and less than "delivered": nothing in the protocol
        says what the receiver does with them. Raises OSError; then it may have any of them.
        """
        self._check_open()
        self._socket.sendall(b"".join(b"%d %b" % (len(one), one) for one in messages))
        self._wait_until_confirmed()
        self._check_open()

    def close(self) -> None:
        """Close TLS properly, so that the receiver knows that nothing was cut off."""
        self._socket.settimeout(min(self._timeout, FAREWELL))
        try:
            self._socket.unwrap()
        except OSError:
            # It was gone already, or doesn't answer: there is nobody to say it to.
            pass
        finally:
            self._socket.close()

    def _check_open(self) -> None:
        """Raise ConnectionError if the receiver closed: what is written then goes nowhere."""
        self._socket.settimeout(0)
        try:
            # Receivers have nothing to say; what they say all the same is of no use.
            while self._socket.recv(4096):
                pass
        except ssl.SSLWantReadError:
            return
        finally:
            self._socket.settimeout(self._timeout)
        raise ConnectionResetError("the receiver closed the connection")

    def _wait_until_confirmed(self) -> None:
        """Until nothing waits in the socket: a dead route would swallow megabytes otherwise."""
        until = time.monotonic() + self._timeout
        while self._unconfirmed():
            if time.monotonic() > until:
                raise TimeoutError("the receiver's host doesn't confirm what was sent")
            time.sleep(PAUSE)

    def _unconfirmed(self) -> int:
        """Bytes that were written and that the other host's TCP hasn't acknowledged."""
        answer = fcntl.ioctl(self._socket, termios.TIOCOUTQ, bytes(4))
        return int(struct.unpack("i", answer)[0])


def connect(host: str, port: int, *, address: str, ca: str | None, timeout: float) -> Connection:
    """Open TLS to `address`, for a certificate that names `host` and that `ca` (PEM) vouches for.

    Without `ca` the system's authorities do. `timeout` is in seconds, for each step. Raises
    OSError, and ssl.SSLCertVerificationError among them.
    """
    context = ssl.create_default_context(cadata=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    plain = socket.create_connection((address, port), timeout)
    try:
        return Connection(context.wrap_socket(plain, server_hostname=host), timeout)
    except BaseException:
        plain.close()
        raise
