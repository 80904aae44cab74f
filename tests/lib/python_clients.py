"""Python clients from PyPI, in a virtual environment in the user's cache."""

import hashlib
import subprocess
import sys

from apache_kafka import CACHE, INTEROP, Unavailable


def python():
    """The interpreter of an environment that has all of tests/interop/requirements.txt."""
    requirements = INTEROP / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = CACHE.parent / f"python-{digest}"
    interpreter = folder / "bin" / "python"
    if (folder / "complete").exists():
        return str(interpreter)
    folder.parent.mkdir(parents=True, exist_ok=True)
    for command in ([sys.executable, "-m", "venv", "--clear", str(folder)],
                    [str(interpreter), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(requirements)]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            reason = (done.stdout + done.stderr).strip().rpartition("\n")[2]
            raise Unavailable(f"'{' '.join(command)}' fails: {reason[:400]}")
    (folder / "complete").touch()
    return str(interpreter)
