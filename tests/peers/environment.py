"""Environments of their own for independent clients whose requirements exclude ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.services import missing

PYSPARKPLUG = ("pysparkplug==0.6.1", "paho-mqtt==1.6.1", "protobuf==6.33.5")


def peer_python(*pins: str) -> Path:
    """Python of an environment with these packages and no others; made once, then kept.

    Args:
        pins: `name==version`, the first one names the environment. All that is needed must be
            listed.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "greenpark" / "peers" / pins[0].replace("==", "-")
    python = home / "bin" / "python"
    if python.exists():
        return python
    home.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f"{home.name}.", dir=home.parent))
    try:
        _run(sys.executable, "-m", "venv", made)
        _run(made / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", *pins)
        made.rename(home)  # all or nothing: an interrupted run leaves no half environment
    except (OSError, subprocess.SubprocessError) as exc:
        shutil.rmtree(made, ignore_errors=True)
        if not python.exists():  # nor has another run made it meanwhile
            missing(f"environment of {pins[0]} cannot be made ({type(exc).__name__}): no network?")
    return python


def _run(*command: str | Path) -> None:
    subprocess.run(
        [str(part) for part in command], check=True, timeout=300, capture_output=True, cwd="/"
    )
