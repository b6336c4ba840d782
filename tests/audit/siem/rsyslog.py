"""Debian's rsyslog as a process of its own, which takes syslog over TLS and writes it down."""

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.audit.siem.authority import Issued

CONFIGURATION = """
global(
  workDirectory="{folder}"
  defaultNetstreamDriver="{driver}"
  defaultNetstreamDriverCAFile="{folder}/certificate.pem"
  defaultNetstreamDriverCertFile="{folder}/certificate.pem"
  defaultNetstreamDriverKeyFile="{folder}/key.pem"
)
module(load="imtcp" streamDriver.name="{driver}" streamDriver.mode="1" streamDriver.authMode="anon")
module(load="mmpstrucdata")
template(name="parts" type="list" option.jsonf="on") {{
  property(outname="priority" name="pri" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="application" name="app-name" format="jsonf")
  property(outname="process" name="procid" format="jsonf")
  property(outname="type" name="msgid" format="jsonf")
  property(outname="structured" name="structured-data" format="jsonf")
  property(outname="parsed" name="$!rfc5424-sd" format="jsonf")
  property(outname="text" name="msg" format="jsonf")
}}
template(name="whole" type="string" string="%rawmsg%\\n")
ruleset(name="received") {{
  action(type="mmpstrucdata")
  action(type="omfile" file="{folder}/parts.json" template="parts")
  action(type="omfile" file="{folder}/whole.log" template="whole")
}}
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="received")
"""
"""Nothing is set but where to listen and what to write: escaping and limits are its defaults."""

RSYSLOGD = shutil.which("rsyslogd") or "/usr/sbin/rsyslogd"

PATIENCE = 100
"""Seconds."""


class Rsyslog:
    """A receiver; `stop` and `start` again keep its port and what it wrote."""

    def __init__(self, folder: Path, issued: Issued, driver: str, port: int) -> None:
        self.folder = folder
        self.driver = driver
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "certificate.pem").write_text(issued.certificate)
        (folder / "key.pem").write_text(issued.key)

    def start(self) -> None:
        """Returns when it listens."""
        settings = CONFIGURATION.format(folder=self.folder, driver=self.driver, port=self.port)
        (self.folder / "rsyslog.conf").write_text(settings)
        said = (self.folder / "said").open("ab")
        with said:
            self._process = subprocess.Popen(
                [RSYSLOGD, "-n", "-f", self.folder / "rsyslog.conf", "-i", self.folder / "pid"],
                stdout=said,
                stderr=said,
            )
        self._until(self._listens)

    def stop(self) -> None:
        """Ask it to end, as a service manager does; it writes what it has."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None

    def whole(self, number: int) -> list[bytes]:
        """So many messages as they came, each a line."""
        return self._lines("whole.log", number)

    def parts(self, number: int) -> list[dict[str, Any]]:
        """So many messages, taken apart."""
        found = [json.loads(line) for line in self._lines("parts.json", number)]
        for one in found:
            one["parsed"] = json.loads(one["parsed"] or "{}")
        return found

    def _lines(self, name: str, number: int) -> list[bytes]:
        path = self.folder / name
        self._until(lambda: path.exists() and path.read_bytes().count(b"\n") >= number)
        return path.read_bytes().split(b"\n")[:-1]

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True

    def _until(self, done: Any) -> None:
        until = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > until:
                raise AssertionError((self.folder / "said").read_text())
            time.sleep(0.02)
