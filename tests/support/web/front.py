"""A real reverse proxy, nginx or HAProxy, with the configuration that docs/how-to/proxy.md shows."""

import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from support.timeouts import scaled
from support.waiting import until
from tidings.process.port import free_port

DEPLOY = Path(__file__).parents[3] / "deploy"
START_TIMEOUT_S = 10.0

NGINX_MAIN = """
daemon off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/tidings.conf;
}}
"""
"""What surrounds the file in a distribution's nginx.conf, but with all its files in a folder of the test."""


def filled(text: str, replacements: dict[str, str]) -> str:
    """Return a configuration with other values; each must be in it."""
    for old, new in replacements.items():
        assert old in text, f"the configuration has no {old!r} any more"
        text = text.replace(old, new)
    return text


class Front:
    """A running proxy."""

    def __init__(self, name: str, ports: list[int], timeout_s: int, changes: Mapping[str, str] | None = None) -> None:
        """Prepare; `start` runs it.

        Args:
            name: `nginx` or `haproxy`.
            ports: of the two servers behind it.
            timeout_s: how long a connection may be quiet.
            changes: what else stands in nginx's file, old → new: mistakes that a test makes on purpose.

        """
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.socket_url = f"ws://127.0.0.1:{self.port}/v1/socket"
        self.folder = Path(tempfile.mkdtemp(prefix=f"tidings-{name}-"))
        self.folder.chmod(0o755)  # nginx's workers are another user, when a test runs as root
        servers = {f"127.0.0.1:{8700 + index}": f"127.0.0.1:{port}" for index, port in enumerate(ports)}
        quiet = {"75s": f"{timeout_s}s"}
        if name == "nginx":
            main = self.folder / "nginx.conf"
            main.write_text(NGINX_MAIN.format(folder=self.folder))
            listen = {"listen 80;": f"listen 127.0.0.1:{self.port};"}
            logs = {"/var/log/nginx": str(self.folder)}
            text = filled((DEPLOY / "nginx.conf").read_text(), servers | quiet | listen | logs | dict(changes or {}))
            (self.folder / "tidings.conf").write_text(text)
            self._command = ["/usr/sbin/nginx", "-p", str(self.folder), "-c", str(main)]
        else:
            path = self.folder / "haproxy.cfg"
            bind = {"bind :80": f"bind 127.0.0.1:{self.port}"}
            logs = {"log /dev/log local0": "log stdout format raw local0"}
            path.write_text(filled((DEPLOY / "haproxy.cfg").read_text(), servers | quiet | bind | logs))
            self._command = ["/usr/sbin/haproxy", "-db", "-f", str(path)]
        self.output = self.folder / "output.log"

    @contextmanager
    def running(self) -> Iterator["Front"]:
        """Run it around the body."""
        with self.output.open("w") as output, subprocess.Popen(self._command, stdout=output, stderr=output) as process:
            try:
                until(self._listens, self.output.read_text, seconds=START_TIMEOUT_S, process=process)
                yield self
            finally:
                process.terminate()
                try:
                    process.wait(scaled(5))
                except subprocess.TimeoutExpired:
                    process.kill()

    def logs(self) -> str:
        """Return all that it has logged."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True
