"""The steps of the image's build, run by hand in a folder: for machines without a container engine.

    python -m deploy.by_hand FOLDER

FOLDER/opt/tidings is then what the image gets from its first stage, made by this machine's Python. It prints the size
of each part, how long the commands take to start, and how much memory a server and a worker use at rest.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil

from deploy.image import FOLDER, ROOT, Instruction, image
from support.store import running_store
from tidings.process.port import free_port


def build(folder: Path) -> Path:
    """Run the first stage; return where Tidings is."""
    source, made = folder / "source", folder / FOLDER.strip("/")
    shutil.rmtree(folder, ignore_errors=True)
    source.mkdir(parents=True)
    made.parent.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "venv", folder / "python"], check=True)
    environment = {**os.environ, "PATH": f"{folder / 'python/bin'}:{os.environ['PATH']}"}
    for one in image().build:
        if one.name == "COPY":
            _copy(one, source, made)
        elif one.name == "RUN":
            command = one.text.replace("/source", str(source)).replace(FOLDER, str(made))
            subprocess.run(["sh", "-c", command], check=True, cwd=source, env=environment)
    return made


def _copy(one: Instruction, source: Path, made: Path) -> None:
    *files, target = one.words
    for file in files:
        place = made / "healthy.py" if target.startswith(FOLDER) else source / file
        if (ROOT / file).is_dir():
            shutil.copytree(ROOT / file, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, place)


def size_mb(place: Path) -> float:
    """Return the bytes of all files of a folder, in MB."""
    return sum(one.stat().st_size for one in place.rglob("*") if one.is_file() and not one.is_symlink()) / 1e6


def show_sizes(made: Path) -> None:
    """Print the size of the whole and of its largest parts."""
    print(f"{size_mb(made):8.1f} MB  {FOLDER}")
    (packages,) = made.glob("lib/python*/site-packages")
    sizes = sorted(((size_mb(one), one.name) for one in packages.iterdir() if one.is_dir()), reverse=True)
    for size, name in sizes[:12]:
        print(f"{size:8.1f} MB  {name}")


def show_processes(made: Path) -> None:
    """Print how long a server and a worker take until they answer, and their memory at rest."""
    tidings = str(made / "bin/tidings")
    with running_store() as store:
        for arguments in (["serve"], ["work", str(ROOT / "deploy/compose/jobs.py")]):
            port = free_port()
            environment = {**os.environ, "TIDINGS_STORE_URL": store.url, "TIDINGS_LOG_LEVEL": "error"}
            environment["TIDINGS_PORT" if arguments == ["serve"] else "TIDINGS_METRICS_PORT"] = str(port)
            begun = time.perf_counter()
            process = psutil.Popen([tidings, *arguments], env=environment)
            check = [str(made / "bin/python"), "-IS", str(made / "healthy.py")]
            while subprocess.run(check, env=environment, check=False, stderr=subprocess.DEVNULL).returncode:
                time.sleep(0.01)
            took, memory = time.perf_counter() - begun, process.memory_full_info()
            print(
                f"tidings {arguments[0]}: answers after {took:.2f} s ({sum(process.cpu_times()[:2]):.2f} s of CPU), "
                f"{memory.rss / 1e6:.0f} MB resident, {memory.uss / 1e6:.0f} MB of its own"
            )
            process.terminate()
            process.wait()


def main() -> None:
    """Build and measure."""
    made = build(Path(sys.argv[1]).resolve())
    show_sizes(made)
    show_processes(made)


if __name__ == "__main__":
    main()
