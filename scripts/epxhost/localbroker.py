"""A real MQTT broker on a free port of the loopback interface, for demos, tests and benches.

Mosquitto if there is one (see toolchain), else amqtt. Private: a configuration of its own in a
temporary folder, nobody but this machine can connect.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from epxhost import toolchain
from epxhost.errors import ToolError

HOST = "127.0.0.1"
_START_LIMIT_S = 10.0
_STOP_LIMIT_S = 3.0
_PROBE_S = 0.02
_ATTEMPTS = 3
_AMQTT_CONFIG = """\
listeners:
  default:
    type: tcp
    bind: {host}:{port}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
"""


class Tls(NamedTuple):
    """Files in PEM format: who signed, the broker's certificate, its key."""

    authority: Path
    certificate: Path
    key: Path


class LocalBroker:
    """One broker that can be stopped and started again on the same port.

    user and password: then nobody else is let in. tls: then it speaks nothing else. Both need
    Mosquitto.
    """

    def __init__(
        self,
        user: str | None = None,
        password: str = "",
        tls: Tls | None = None,
        need_mosquitto: bool = False,
    ) -> None:
        self.host = HOST
        mosquitto = toolchain.mosquitto()
        self.name = "Mosquitto" if mosquitto else "amqtt"
        if not mosquitto and (need_mosquitto or user or tls):
            raise ToolError(toolchain.why_not("mosquitto"))
        self._temporary = tempfile.TemporaryDirectory(prefix="epx-broker-")
        self._folder = Path(self._temporary.name)
        self._log = self._folder / "log.txt"
        self._process: subprocess.Popen | None = None
        for attempt in range(_ATTEMPTS):
            self.port = free_port()
            self._command = self._configure(mosquitto, user, password, tls)
            try:
                self.start()
                return
            except ToolError:
                # Somebody else may have taken the port in between.
                if attempt == _ATTEMPTS - 1:
                    self.close()
                    raise

    def _configure(
        self, mosquitto: list[str] | None, user: str | None, password: str, tls: Tls | None
    ) -> list[str]:
        if mosquitto:
            config = self._folder / "mosquitto.conf"
            config.write_text(self._mosquitto_config(user, password, tls))
            return [*mosquitto, "-c", str(config)]
        config = self._folder / "amqtt.yaml"
        config.write_text(_AMQTT_CONFIG.format(host=HOST, port=self.port))
        return [str(Path(sys.executable).with_name("amqtt")), "-c", str(config)]

    def _mosquitto_config(self, user: str | None, password: str, tls: Tls | None) -> str:
        lines = [f"listener {self.port} {HOST}", "max_queued_messages 10000"]
        lines.append(f"allow_anonymous {'false' if user else 'true'}")
        if os.geteuid() == 0:
            lines.append("user root")  # else it could not read its own files here
        if user:
            passwords = self._folder / "passwords"
            passwords.write_text(f"{user}:{_mosquitto_hash(password)}\n")
            passwords.chmod(0o600)
            lines.append(f"password_file {passwords}")
        if tls:
            lines.append(f"certfile {tls.certificate}")
            lines.append(f"keyfile {tls.key}")
        return "\n".join(lines) + "\n"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Return when it accepts connections."""
        if self.running:
            return
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is for the program that owns it
            )
        end = time.monotonic() + _START_LIMIT_S
        while not self._answers():
            if not self.running or time.monotonic() > end:
                tail = self._log.read_text(errors="replace").strip().splitlines()[-3:]
                self.kill()
                raise ToolError(f"{self.name} does not start: {' / '.join(tail)}")
            time.sleep(_PROBE_S)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=1):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.kill()
        self._temporary.cleanup()

    def __enter__(self) -> "LocalBroker":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _mosquitto_hash(password: str) -> str:
    """A line of Mosquitto's password file, type 7: PBKDF2 with SHA-512."""
    import base64
    import hashlib

    salt, rounds = os.urandom(12), 101
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    encoded = [base64.b64encode(part).decode() for part in (salt, digest)]
    return f"$7${rounds}${encoded[0]}${encoded[1]}"
