"""Our broker as a process: on free ports, in a directory of its own, up when its start-up line is there."""

import os
import pathlib
import subprocess
import tempfile

import processes

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_LINE = "moldau ready"
START_TIMEOUT_S = 20


def binary():
    """The binary under test: $MOLDAU, else the release build's."""
    path = pathlib.Path(os.environ.get("MOLDAU", ROOT / "build" / "release" / "moldau"))
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there; build it with './dev build' or name it in MOLDAU")
    return str(path)


def run(*arguments, timeout_s=30, stdin=None, check=True):
    """`moldau <arguments>` to its end; returns the finished process with its output as text."""
    done = subprocess.run([binary(), *arguments], input=stdin, capture_output=True, text=True, timeout=timeout_s)
    if check and done.returncode != 0:
        raise RuntimeError(f"moldau {' '.join(arguments)} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


class MoldauBroker:
    """`start` may follow `stop` or `kill`: ports, node id and directory stay the same over restarts."""

    def __init__(self, directory=None, ports=None, overrides=None, prefix=(), environment=None, executable=None):
        """`overrides`: further configuration; `prefix`: words before the command, such as `taskset -c 0`; `executable`:
        another than the binary under test."""
        self._own = None if directory else tempfile.TemporaryDirectory(prefix="moldau-")
        self.directory = pathlib.Path(directory or self._own.name)
        self.data = self.directory / "data"
        self.log_path = self.directory / "moldau.log"
        self.port, self.controller_port = ports or processes.free_ports(2)
        self.address = f"127.0.0.1:{self.port}"
        self._overrides = dict(overrides or {})
        self._prefix = list(prefix)
        self._environment = environment
        self._executable = executable
        self.server = None

    def configuration(self):
        return {
            "node.id": "1",
            "process.roles": "broker,controller",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller_port}",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self.data),
            **self._overrides,
        }

    def start(self, **more):
        """Starts the broker and waits for its start-up line; `more` are overrides of this one run."""
        command = [*self._prefix, self._executable or binary(), "broker"]
        for key, value in {**self.configuration(), **more}.items():
            command += ["--override", f"{key}={value}"]
        self.server = processes.Server("moldau", command, self.log_path, self._environment)
        self.start_line = self.server.wait_for_line(START_LINE, START_TIMEOUT_S)
        return self

    def stop(self):
        status = self.server.stop()
        if status != 0:
            raise RuntimeError(f"moldau ended with status {status} after SIGTERM:\n{self.server.tail()}")

    def kill(self):
        self.server.kill()

    def close(self):
        """Ends the broker, whatever its state, and removes a directory that it made itself."""
        if self.server:
            self.server.kill()
        if self._own:
            self._own.cleanup()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()
