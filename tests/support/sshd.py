"""OpenSSH's own server on the loopback, with throw-away keys, for those who have it."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
from pathlib import Path

import psutil

PROGRAM = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
"""It has to be started by its full path."""
MISSING = (
    "there is no sshd"
    if PROGRAM is None
    else "sshd started by root needs /run/sshd"
    if os.getuid() == 0 and not Path("/run/sshd").is_dir()
    else ""
)
"""Why it cannot be used here."""


class Sshd:
    """Has the interface of `tests.support.ssh_server.Server`."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "ssh_config"
        """For `ssh -F`: how the host `box` is reached."""
        self._folder = folder
        self._process: psutil.Popen | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port: int = free.getsockname()[1]

    async def listen(self) -> None:
        """Accept connections, at the same port as before."""
        folder = self._folder
        self._make_keys()
        (folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self._port}\nHostKey {folder / 'host'}\n"
            f"AuthorizedKeysFile {folder / 'key.pub'}\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication no\nPermitRootLogin prohibit-password\nPidFile none\n"
        )
        host = (folder / "host.pub").read_text()
        (folder / "known").write_text(f"[127.0.0.1]:{self._port} {host}")
        self.config.write_text(
            f"Host box\n HostName 127.0.0.1\n Port {self._port}\n User {getpass.getuser()}\n"
            f" IdentityFile {folder / 'key'}\n IdentitiesOnly yes\n"
            f" UserKnownHostsFile {folder / 'known'}\n GlobalKnownHostsFile /dev/null\n"
        )
        assert PROGRAM is not None
        self._process = psutil.Popen(
            [PROGRAM, "-D", "-f", str(folder / "sshd_config"), "-E", str(folder / "sshd.log")]
        )
        while True:
            assert self._process.poll() is None, (folder / "sshd.log").read_text()
            try:
                socket.create_connection(("127.0.0.1", self._port)).close()
                return
            except OSError:
                await asyncio.sleep(0.05)

    def _make_keys(self) -> None:
        for name in ("host", "key"):
            path = self._folder / name
            if not path.with_suffix(".pub").exists():
                command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
                subprocess.run(command, check=True)

    async def cut(self) -> None:
        """Drop every connection, and take no other."""
        if self._process is None:
            return
        for process in [*self._process.children(recursive=True), self._process]:
            process.kill()
        self._process.wait()
        self._process = None

    async def close(self) -> None:
        """Stop."""
        await self.cut()
