"""The system calls that a process makes, counted by strace."""

import pathlib
import re
import subprocess
import tempfile
import time

ATTACH_TIMEOUT_S = 20
CALL = re.compile(r"\d+\s+(\w+)\((.*)")  # the end of a call that was interrupted by others' is a line of its own, without "("


class NotPermitted(Exception):
    pass


class SystemCalls:
    """Those of all threads of `pid` while the block runs, as (name, arguments with paths); NotPermitted where that is not
    allowed."""

    def __init__(self, pid, names):
        self._pid, self._names = pid, names
        self.calls = []

    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory()
        self._output = pathlib.Path(self._directory.name) / "trace"
        self._strace = subprocess.Popen(["strace", "-f", "-yy", "-s", "0", "-e", f"trace={','.join(self._names)}", "-o",
                                         str(self._output), "-p", str(self._pid)], stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + ATTACH_TIMEOUT_S
        while not self._is_attached():
            if self._strace.poll() is not None:
                errors = self._strace.stderr.read()
                self._directory.cleanup()
                raise NotPermitted(errors) if "not permitted" in errors else RuntimeError(f"strace ended: {errors}")
            if time.monotonic() > deadline:
                self._strace.kill()
                raise RuntimeError("strace does not attach")
            time.sleep(0.005)
        return self

    def _is_attached(self):
        tasks = pathlib.Path(f"/proc/{self._pid}/task").iterdir()
        return all("TracerPid:\t0\n" not in (task / "status").read_text() for task in tasks)

    def __exit__(self, *_):
        if self._strace.poll() is None:
            self._strace.terminate()
        self._strace.communicate(timeout=30)
        if self._output.exists():
            found = (CALL.match(line) for line in self._output.read_text().splitlines())
            self.calls = [match.groups() for match in found if match]
        self._directory.cleanup()

    def count(self, names, about=""):
        """Calls of these names whose arguments or paths hold `about`."""
        return sum(name in names and about in arguments for name, arguments in self.calls)
