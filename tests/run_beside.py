"""`python run_beside.py [LINE…] [-- COMMAND…]`: run a command in sight, and lines for the shell beside it.

What the lines print follows when the command has ended, one after the other. The exit code is 0 if all ended with 0.
"""

import subprocess
import sys
import tempfile


def main(arguments: list[str]) -> int:
    """Run them; return the exit code."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    lines, command = arguments[:end], arguments[end + 1 :]
    beside = []
    for line in lines:
        output = tempfile.TemporaryFile()  # noqa: SIM115 - read when the line has ended
        beside.append((line, output, subprocess.Popen(line, shell=True, stdout=output, stderr=output)))  # noqa: S602
    codes = [subprocess.call(command)] if command else []
    for line, output, process in beside:
        with output:
            codes.append(process.wait())
            output.seek(0)
            sys.stdout.write(f"{line}\n{output.read().decode(errors='replace')}")
            sys.stdout.flush()
    return int(any(codes))


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        raise SystemExit(130) from None  # those beside have had their Ctrl-C too
