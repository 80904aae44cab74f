"""The programs of tests/interop/clients with what they need from their registries, made ready in the user's cache.

`command(name)` gives the words that start a client's program. At first use its packages are installed by the registry's
ordinary client, in the versions that its folder pins; what is missing for that, a toolchain or a registry, is Unavailable.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys

from apache_kafka import CACHE, INTEROP, Unavailable

CLIENTS = INTEROP / "clients"
INSTALL_TIMEOUT_S = 600


def command(name):
    """The words before a subcommand."""
    folder = CLIENTS / name
    if (folder / "go.mod").exists():
        return [_go(folder)]
    if (folder / "package.json").exists():
        return _node(folder)
    return [python(name), str(folder / "client.py")]


def python(name):
    """The interpreter of an environment that has what the client's requirements.txt names."""
    requirements = CLIENTS / name / "requirements.txt"

    def install(folder):
        _install([sys.executable, "-m", "venv", "--clear", str(folder)])
        _install([str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check",
                  "--only-binary", ":all:", "-r", str(requirements)])

    return str(_once("python", [requirements], sys.version, install) / "bin" / "python")


def _go(source):
    """The program's binary. Modules come from the Go proxy; so does a newer toolchain, if `go` is let to fetch one."""
    if not shutil.which("go"):
        raise Unavailable(f"go is not installed; {source.name} needs {_go_version(source)}, or 1.21 that may fetch it")
    version = subprocess.run(["go", "version"], cwd=source, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S)

    def install(folder):
        _install(["go", "mod", "download"], cwd=source)
        # From here on a failure is one of the program.
        subprocess.run(["go", "build", "-buildvcs=false", "-o", str(folder / "client"), "."], cwd=source, check=True, timeout=INSTALL_TIMEOUT_S)

    return str(_once("go", sorted(source.iterdir()), version.stdout, install) / "client")


def _go_version(source):
    return next(line.split()[1] for line in (source / "go.mod").read_text().splitlines() if line.startswith("go "))


def _node(source):
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            raise Unavailable(f"{tool} is not installed; {source.name} needs Node.js of 18 or later and npm")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True, timeout=60).stdout

    def install(folder):
        for file in sorted(source.iterdir()):
            if file.is_file():
                shutil.copy(file, folder)
        _install(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder)

    # Node looks for packages beside the program, so the program moves to its packages.
    files = sorted(file for file in source.iterdir() if file.is_file())
    return ["node", str(_once("node", files, version, install) / "client.js")]


def _once(kind, files, version, install):
    """A folder in the cache that `install` has filled, named by what it was made from."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files) + version.encode()).hexdigest()[:16]
    folder = CACHE.parent / f"{kind}-{digest}"
    if (folder / "complete").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with open(CACHE.parent / f"{kind}-{digest}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            install(folder)
            (folder / "complete").touch()
    return folder


def _install(words, cwd=None):
    try:
        done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S)
    except subprocess.TimeoutExpired as e:
        raise Unavailable(f"'{' '.join(words)}' is not over within {INSTALL_TIMEOUT_S} s") from e
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines() or [f"status {done.returncode}"]
        reason = "; ".join([line for line in lines if "error" in line.lower()][:3] or lines[-1:])
        raise Unavailable(f"'{' '.join(words)}' fails: {reason[:400]}")
