"""A real mailbox server of a test's own: Dovecot on free ports of the loopback, in a folder.

    with running("desk@shop.example") as server:
        server.put("desk@shop.example", raw)          # by LMTP, as a mail server delivers
        imaplib.IMAP4(server.host, server.imap_port)  # imaps_port with TLS; trust server.ca
        server.read("desk@shop.example", "Sent")

Debian's `dovecot-imapd` and `dovecot-lmtpd`; without them these tests are skipped and say so. It
runs as nobody in particular: as root it takes the user `nobody`, else whoever runs the tests.
https://doc.dovecot.org/2.3/configuration_manual/howto/rootless/ (read 2026-11-21)
"""

import contextlib
import grp
import imaplib
import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import certificate

PASSWORD = "mailbox-secret"
FOLDERS = ("Sent", "Drafts", "Junk", "Trash")

_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = 127.0.0.1
protocols = imap lmtp
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_format = %Lu
recipient_delimiter = +
mail_location = maildir:~/Maildir
mail_plugins =
imap_idle_notify_interval = 30 s
namespace inbox {{
  inbox = yes
{mailboxes}
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%Lu {folder}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%Lu {folder}/users
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
"""


def program() -> str:
    """Where Dovecot is; empty where it is not, or has no IMAP or LMTP."""
    found = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    parts = Path("/usr/lib/dovecot")
    return found if found and (parts / "imap").exists() and (parts / "lmtp").exists() else ""


class Dovecot:
    """One server with a mailbox for each address. The password of all is `PASSWORD`."""

    host = "127.0.0.1"

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.folder = Path(tempfile.mkdtemp(prefix="sb-mail-"))
        self.imap_port = self.imaps_port = self.lmtp_port = 0
        self.ca = certificate.make(self.folder).cert
        self._process: subprocess.Popen[bytes] | None = None
        is_root = os.getuid() == 0
        self._user = "nobody" if is_root else pwd.getpwuid(os.getuid()).pw_name
        self._gid = pwd.getpwnam(self._user).pw_gid

    def start(self) -> None:
        """Start it and wait until it greets; the mail of the time before is still there.

        The ports stay the same from one start to the next.
        """
        for _ in range(5):
            if not self.imap_port:
                self.imap_port, self.imaps_port, self.lmtp_port = _free(3)
            self._write()
            self._process = subprocess.Popen(
                [program(), "-F", "-c", str(self.folder / "dovecot.conf")],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                **self._as_user(),
            )
            if self._greets():
                return
            # Somebody may have taken a port in between.
            self.stop()
            self.imap_port = 0
        raise RuntimeError(f"Dovecot does not start:\n{self.log()}")

    def stop(self) -> None:
        """Stop it; connections are cut."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(timeout=30)
        self._process = None

    def close(self) -> None:
        """Stop it and remove the folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """What it wrote down."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def put(self, address: str, raw: bytes, sender: str = "sender@example.com") -> None:
        """Deliver a mail. An unknown address raises smtplib.SMTPRecipientsRefused."""
        with smtplib.LMTP(self.host, self.lmtp_port) as lmtp:
            lmtp.sendmail(sender, [address], raw)

    @contextmanager
    def login(self, address: str) -> Iterator[imaplib.IMAP4]:
        """An IMAP connection of that mailbox."""
        with imaplib.IMAP4(self.host, self.imap_port, timeout=30) as client:
            client.login(address, PASSWORD)
            yield client

    def read(self, address: str, folder: str = "INBOX") -> list[bytes]:
        """Every mail of a folder, oldest first, without marking it as seen."""
        with self.login(address) as client:
            status, _ = client.select(folder, readonly=True)
            assert status == "OK", f"there is no folder {folder}"
            _, found = client.search(None, "ALL")
            numbers = found[0].split()
            return [_body(client, number) for number in numbers]

    def wait(
        self, address: str, number: int, folder: str = "INBOX", for_s: float = 30
    ) -> list[bytes]:
        """The mails of a folder as soon as there are so many."""
        until = time.monotonic() + for_s
        while len(found := self.read(address, folder)) < number:
            assert time.monotonic() < until, f"{len(found)} mails of {number} in {folder}"
            time.sleep(0.05)
        return found

    def _as_user(self) -> dict[str, object]:
        if os.getuid() != 0:
            return {}
        return {"user": self._user, "group": self._gid, "extra_groups": []}

    def _write(self) -> None:
        uid = pwd.getpwnam(self._user).pw_uid
        boxes = "\n".join(
            f"  mailbox {name} {{\n    auto = subscribe\n    special_use = \\{name}\n  }}"
            for name in FOLDERS
        )
        config = _CONFIG.format(
            folder=self.folder, user=self._user, group=grp.getgrgid(self._gid).gr_name,
            imap=self.imap_port, imaps=self.imaps_port, lmtp=self.lmtp_port, mailboxes=boxes,
        )  # fmt: skip
        (self.folder / "dovecot.conf").write_text(config)
        lines = [
            f"{address.lower()}:{{PLAIN}}{PASSWORD}:{uid}:{self._gid}::{self.folder}/home/{address.lower()}::"
            for address in self.addresses
        ]
        (self.folder / "users").write_text("\n".join(lines) + "\n")
        for name in ("run", "state", "home"):
            (self.folder / name).mkdir(exist_ok=True)
        if os.getuid() == 0:
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, uid, self._gid)

    def _greets(self) -> bool:
        assert self._process is not None
        until = time.monotonic() + 30
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                with imaplib.IMAP4(self.host, self.imap_port, timeout=5) as client:
                    client.noop()
                with smtplib.LMTP(self.host, self.lmtp_port) as lmtp:
                    lmtp.noop()
                return True
            time.sleep(0.05)
        return False


@contextmanager
def running(*addresses: str) -> Iterator[Dovecot]:
    """A server with these mailboxes; skips the test where Dovecot is not installed."""
    if not program():
        pytest.skip("Dovecot is not installed (dovecot-imapd, dovecot-lmtpd).")
    server = Dovecot(*addresses)
    try:
        server.start()
        yield server
    finally:
        server.close()


def _body(client: imaplib.IMAP4, number: bytes) -> bytes:
    _, found = client.fetch(number.decode(), "(BODY.PEEK[])")
    assert isinstance(found[0], tuple)
    return bytes(found[0][1])


def _free(number: int) -> list[int]:
    """So many ports that nobody has now."""
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    found = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return found
