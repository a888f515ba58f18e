"""The compiled wheel: mypyc translates the modules on the path of every job to C.

Hatchling runs this while it builds a wheel, where `HATCH_BUILD_HOOKS_ENABLE=1` asks for it (`make wheel-compiled`). The
sources stay in the wheel beside what is made of them: Python prefers the latter, and tracebacks show the former.

Source: https://hatch.pypa.io/latest/plugins/build-hook/custom/, https://mypyc.readthedocs.io/
"""

import contextlib
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

GROUP: Final = "tidings_compiled"
"""Names the library that holds the code of all modules: `tidings_compiled__mypyc`."""

PACKAGES: Final = ("core", "server", "worker")
"""Folders with packages in them."""

CHECKS: Final = (
    "--no-warn-unused-configs",
    "--config-file=",
    "--strict-optional",
    "--namespace-packages",
    "--explicit-package-bases",
    # A type that is not to be had here is `Any`, which costs speed and nothing else; `make lint` looks for errors.
    "--ignore-missing-imports",
    "--follow-imports=silent",
)
"""How mypy reads the modules: by nothing but what stands here, so that each machine makes the same of them."""


class CompiledModules(BuildHookInterface[BuilderConfig]):
    """Adds compiled modules to a wheel, which then is one for this interpreter and this machine."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; an editable installation runs the sources.

        Args:
            version: `standard` or `editable`.
            build_data: what the wheel is to have.

        """
        if version == "editable":
            return
        self._folder = Path(tempfile.mkdtemp(prefix="tidings-compiled-"))
        made = compile_modules(Path(self.root), list(self.config["modules"]), self._folder)
        build_data["force_include"].update({str(path): name for name, path in made.items()})
        build_data["infer_tag"] = True
        build_data["pure_python"] = False

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what the compiler left."""
        if version != "editable":
            shutil.rmtree(self._folder, ignore_errors=True)


def compile_modules(root: Path, modules: list[str], folder: Path) -> dict[str, Path]:
    """Compile modules, and return each file that was made by its name in a wheel.

    Args:
        root: the checkout, or an unpacked sdist.
        modules: their sources, by their paths in it.
        folder: where the compiler may leave what it makes.

    Raises:
        SystemExit: mypyc cannot translate a module, and has printed why.
        RuntimeError: a module was translated, and no file came of it.

    """
    from mypyc.build import mypycify  # noqa: PLC0415 - of the environment of such a build alone
    from setuptools import Distribution  # noqa: PLC0415

    missing = [module for module in modules if not (root / module).is_file()]
    if missing:
        raise RuntimeError(f"{', '.join(missing)}: no such file; correct `modules` of the hook in pyproject.toml")
    with _within(root):
        extensions = mypycify(
            [*CHECKS, f"--cache-dir={folder / 'cache'}", *modules],
            debug_level="0",
            multi_file=False,
            target_dir=str(folder / "c"),
            group_name=GROUP,
        )
        # Not by `setup`, which would read the checkout's pyproject.toml.
        build = Distribution({"name": GROUP, "ext_modules": extensions}).get_command_obj("build_ext")
        build.build_lib, build.build_temp = str(folder / "lib"), str(folder / "temp")
        Path(build.build_temp).mkdir()
        build.ensure_finalized()
        build.run()
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    made = {path.relative_to(folder / "lib").as_posix(): path for path in (folder / "lib").rglob(f"*{suffix}")}
    wanted = {module.partition("/")[2].removesuffix(".py") + suffix for module in modules}
    if wanted - made.keys():
        raise RuntimeError(f"nothing was made of {', '.join(sorted(wanted - made.keys()))}")
    return made


@contextlib.contextmanager
def _within(root: Path) -> Iterator[None]:
    """Have mypy find the packages, for which it asks the environment, and setuptools no arguments of the builder's."""
    before, arguments = os.environ.get("MYPYPATH"), sys.argv
    os.environ["MYPYPATH"] = os.pathsep.join(str(root / one) for one in PACKAGES)
    sys.argv = [GROUP]
    try:
        with contextlib.chdir(root):
            yield
    finally:
        sys.argv = arguments
        if before is None:
            del os.environ["MYPYPATH"]
        else:
            os.environ["MYPYPATH"] = before
