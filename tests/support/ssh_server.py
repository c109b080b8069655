"""An SSH server on the loopback, with a throw-away key, for the system's own `ssh`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncssh

from tests.support.sshd import Sshd


class Server:
    """Runs what clients ask for, as a shell would; `cut` ends all connections at once."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "ssh_config"
        """For `ssh -F`: how the host `box` is reached."""
        self._folder = folder
        self._open: set[asyncssh.SSHServerProcess[bytes]] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._port = 0

    async def listen(self) -> None:
        """Accept connections, at the same port as before."""
        client, host = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        client.write_private_key(self._folder / "key")
        (self._folder / "key").chmod(0o600)
        client.write_public_key(self._folder / "authorized")
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            self._port,
            server_host_keys=[host],
            authorized_client_keys=str(self._folder / "authorized"),
            process_factory=self._run,
            encoding=None,
        )
        self._port = self._acceptor.get_port()
        known = f"[127.0.0.1]:{self._port} {host.export_public_key().decode()}"
        (self._folder / "known").write_text(known)
        self.config.write_text(
            f"Host box\n HostName 127.0.0.1\n Port {self._port}\n User somebody\n"
            f" IdentityFile {self._folder / 'key'}\n IdentitiesOnly yes\n"
            f" UserKnownHostsFile {self._folder / 'known'}\n GlobalKnownHostsFile /dev/null\n"
        )

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_shell(
            process.command or "true", stdin=pipe, stdout=pipe, stderr=pipe
        )
        assert child.stdin is not None and child.stdout is not None and child.stderr is not None
        self._open.add(process)
        there = asyncio.create_task(_pass(process.stdin, child.stdin))
        try:
            await asyncio.gather(
                _pass(child.stdout, process.stdout), _pass(child.stderr, process.stderr)
            )
            process.exit(await child.wait())
        finally:
            self._open.discard(process)
            there.cancel()
            if child.returncode is None:
                child.kill()

    async def cut(self) -> None:
        """Drop every connection, and take no other."""
        assert self._acceptor is not None
        self._acceptor.close()
        for process in list(self._open):
            process.channel.get_connection().abort()
        await self._acceptor.wait_closed()

    async def close(self) -> None:
        """Stop."""
        await self.cut()


async def _pass(
    source: asyncio.StreamReader | asyncssh.SSHReader[bytes],
    target: asyncio.StreamWriter | asyncssh.SSHWriter[bytes],
) -> None:
    """Pass bytes on until there are no more, or nobody takes them."""
    with suppress(OSError, asyncssh.Error):
        while data := await source.read(1 << 16):
            target.write(data)
            await target.drain()
        target.write_eof()


@asynccontextmanager
async def serving(folder: Path, kind: type[Server] | type[Sshd]) -> AsyncIterator[Server | Sshd]:
    """A server while a test runs."""
    server = kind(folder)
    await server.listen()
    try:
        yield server
    finally:
        await server.close()
