"""The guide shows the very files that the tests run."""

import subprocess
from pathlib import Path

import pytest

from tidings.process.port import free_port

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["nginx.conf", "haproxy.cfg"])
def test_the_guide_shows_the_file(name: str) -> None:
    assert (ROOT / "deploy" / name).read_text() in (ROOT / "docs/how-to/proxy.md").read_text()


def test_the_lines_for_tls_are_those_of_nginx(tmp_path: Path) -> None:
    """With the lines of the guide in place of `listen 80;` the shipped file is one that nginx takes."""
    certificate, key = tmp_path / "tidings.crt", tmp_path / "tidings.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True,
    )  # fmt: skip
    section = (ROOT / "docs/how-to/proxy.md").read_text().partition("\n## TLS\n")[2].partition("\n## ")[0]
    lines = "\n".join(line for line in section.splitlines() if line.startswith("    "))
    assert lines.count("ssl_certificate") == 2
    lines = lines.replace("/etc/ssl", str(tmp_path)).replace("443", str(free_port()))
    shipped = (ROOT / "deploy/nginx.conf").read_text()
    assert "    listen 80;\n" in shipped
    text = shipped.replace("    listen 80;\n", f"{lines}\n").replace("/var/log/nginx", str(tmp_path))
    file = tmp_path / "nginx.conf"
    file.write_text(f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{\n{text}\n}}\n")
    command = ["/usr/sbin/nginx", "-t", "-p", str(tmp_path), "-c", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
