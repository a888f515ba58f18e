"""A process as the image would run it, without a container engine: as much of a container as the kernel gives root.

Real: namespaces of mounts and processes (the command is process 1), a root file system that cannot be written, /tmp in
memory, user and group of the image without capabilities and without a way to new ones, its environment alone. Not real:
the files are this machine's (Python, the libraries, the checkout), not those of the base image; the network is the
host's.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from deploy.image import FOLDER, ROOT, image, merged
from support.timeouts import scaled

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc")
"""Folders that a base image has."""

INSIDE = """
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=755 none "$NEW"
mkdir -p "$NEW/proc" "$NEW/dev" "$NEW/tmp" "$NEW{folder}/bin" "$NEW/app"
mount -t tmpfs -o mode=1777 none "$NEW/tmp"
for one in {binds}; do
    if [ -L "$one" ]; then ln -s "$(readlink "$one")" "$NEW$one"; continue; fi
    [ -d "$one" ] || continue
    mkdir -p "$NEW$one"
    mount --bind "$one" "$NEW$one"
    mount -o remount,bind,ro "$NEW$one"
done
mount --bind {scripts} "$NEW{folder}/bin"
mount --bind {app} "$NEW/app"
cp {healthy} "$NEW{folder}/"
mount -t proc none "$NEW/proc"
mount --bind /dev "$NEW/dev"
mount -o remount,ro "$NEW"
exec chroot "$NEW" setpriv --reuid {user} --regid {group} --clear-groups --no-new-privs --bounding-set=-all \\
    --inh-caps=-all env -C /app -i "$@"
"""

PROBE = ["unshare", "--mount", "--pid", "--fork", "true"]


def lacking() -> str:
    """Return what this machine lacks to run such a process; empty: nothing."""
    if os.getuid() != 0:
        return "only root may change the root of a process and its user"
    if not all(map(shutil.which, ("unshare", "setpriv", "chroot"))):
        return "util-linux is missing"
    if subprocess.run(PROBE, check=False, capture_output=True).returncode:
        return "this kernel, or what this test runs in, gives no namespaces"
    return ""


class Container:
    """One such process."""

    def __init__(self, app: Path, output: IO[str], command: list[str], environment: dict[str, str]) -> None:
        """Start it.

        Args:
            app: the folder of the jobs: /app in the container.
            output: gets what the process prints.
            command: what runs.
            environment: variables beside those of the image.

        """
        self._new = tempfile.mkdtemp(prefix="tidings-root-")
        user, group = image().user
        scripts = Path(sys.executable).parent
        text = INSIDE.format(
            folder=FOLDER,
            binds=" ".join([*SYSTEM, str(Path(sys.base_prefix)), str(Path(sys.prefix)), str(ROOT)]),
            scripts=scripts,
            app=app,
            healthy=ROOT / "deploy/container/healthy.py",
            user=user,
            group=group,
        )
        variables = merged(image().environment, environment)
        variables["PATH"] += ":/usr/bin:/bin"
        pairs = [f"{name}={value}" for name, value in variables.items()]
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", text, "sh", *pairs, *command],
            env={"NEW": self._new, "PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            text=True,
        )

    def send(self, name: str) -> None:
        """Send its process 1 a signal by its name, as an engine would."""
        parent = self.process.pid
        (child,) = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        os.kill(int(child), signal.Signals[name])

    def close(self) -> None:
        """End it, and with its process 1 everything in it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(scaled(10))
        shutil.rmtree(self._new, ignore_errors=True)


@contextmanager
def running(app: Path, output: IO[str], command: list[str], **environment: str) -> Iterator[Container]:
    """Run a process around the body."""
    container = Container(app, output, command, environment)
    try:
        yield container
    finally:
        container.close()
