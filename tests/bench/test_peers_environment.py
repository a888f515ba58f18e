"""The client of other queues runs in environments without Tidings."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WITHOUT = "import sys; sys.modules['tidings'] = None; import bench.queue.client; print('imported')"


def test_the_client_of_a_queue_imports_nothing_of_tidings() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("imported", "")
