"""The official TypeScript client, with the package of the extension of tasks."""

import json
import subprocess
from pathlib import Path

from support.system import System, system_fixture
from support.timeouts import scaled

KINDS = str(Path(__file__).parents[1] / "support" / "handlers" / "mcp_kinds.py")
SCRIPT = Path(__file__).with_name("typescript_client.mjs")

system = system_fixture(KINDS, servers=2, server={"TIDINGS_MCP_TASK_AFTER_S": "0.3", "TIDINGS_MCP_POLL_S": "0.02"})


def test_it_sees_progress_answers_cancels_and_goes_on_at_another_server(system: System, tmp_path: Path) -> None:
    urls = [server.url for server in system.servers]
    ran = subprocess.run(
        ["node", str(SCRIPT), *urls, str(tmp_path)], capture_output=True, text=True, timeout=scaled(60), check=False
    )
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert {"add", "order", "wait_for"} <= set(said["tools"])
    assert said["sum"] == {
        "kind": "immediate", "status": "completed", "content": {"total": 3, "parts": [1, 2]}, "messages": [],
    }  # fmt: skip
    watched = said["watched"]
    assert (watched["kind"], watched["status"]) == ("task", "completed")
    assert watched["content"] == {"result": str(tmp_path / "go")}
    assert "waits for a file (25 %)" in watched["messages"]
    assert said["asked"] == ["Where shall we send the book?", "It costs 5 €. Buy it?"]
    assert said["ordered"]["content"] == {"sent": True, "address": "Köln"}
    assert said["cancelled"]["status"] == "cancelled"
    assert said["resumed"]["content"] == {"result": str(tmp_path / "later")}
