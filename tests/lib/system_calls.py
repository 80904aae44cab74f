"""The system calls that a process makes, seen from outside by strace."""

import pathlib
import re
import subprocess
import tempfile
import time

ATTACH_TIMEOUT_S = 20
LINE = re.compile(r"(\d+)\s+(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)")


class NotPermitted(Exception):
    pass


class Call:
    """`text`: arguments, with paths and addresses, and the result. `begun` and `done` put all threads' calls in order."""

    def __init__(self, name, begun, text):
        self.name, self.begun, self.done, self.text = name, begun, None, text


def calls_of(trace):
    """The calls of all threads by the order of their beginning."""
    calls, unfinished = [], {}
    for number, line in enumerate(trace.splitlines()):
        match = LINE.match(line)
        if not match:
            continue
        thread, resumed, name, rest = match.groups()
        if resumed:
            call = unfinished.pop(thread, None)
            if call:
                call.done = number
                call.text += rest
            continue
        call = Call(name, number, rest)
        calls.append(call)
        if rest.endswith("<unfinished ...>"):
            unfinished[thread] = call
        else:
            call.done = number
    return calls


class SystemCalls:
    """Those of all threads of `pid` while the block runs, as `calls`; NotPermitted where that is not allowed."""

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
            self.calls = calls_of(self._output.read_text())
        self._directory.cleanup()

    def about(self, names, what=""):
        """Calls of these names whose arguments or paths hold `what`."""
        return [call for call in self.calls if call.name in names and what in call.text]
