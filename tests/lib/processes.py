"""Server processes for tests: free ports, a bounded start, an orderly and a violent end, what they cost.

Every process is ended by its own id, and every wait has a deadline.
"""

import atexit
import os
import signal
import socket
import struct
import subprocess
import threading
import time

POLL_S = 0.005
API_VERSIONS_V0 = struct.pack(">ihhih", 10, 18, 0, 1, -1)


def free_ports(count):
    """`count` distinct ports of 127.0.0.1 that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def answers(port, timeout_s=1.0):
    """Whether a broker on 127.0.0.1:port answers an ApiVersions request."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
            connection.sendall(API_VERSIONS_V0)
            return len(connection.recv(8)) > 0
    except OSError:
        return False


class Server:
    """One server process whose output goes to a file. `on_line` is called with each line, by the thread that reads them."""

    def __init__(self, name, command, log_path, environment=None, on_line=None):
        self.name = name
        self.log_path = log_path
        self._lines = []
        self._seen = threading.Condition()
        self._on_line = on_line
        self._log = open(log_path, "ab")
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env={**os.environ, **(environment or {})})
        atexit.register(self.kill)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._log.write(line)
            self._log.flush()
            text = line.decode(errors="replace").rstrip("\n")
            if self._on_line:
                self._on_line(text)
            with self._seen:
                self._lines.append(text)
                self._seen.notify_all()
        with self._seen:
            self._lines.append(None)
            self._seen.notify_all()

    def wait_for_line(self, prefix, timeout_s):
        """The first line of output that begins with `prefix`; fails when the process ends or the time is over."""
        deadline = time.monotonic() + timeout_s
        position = 0
        with self._seen:
            while True:
                while position < len(self._lines):
                    line = self._lines[position]
                    if line is None:
                        self._fail(f"ended with status {self.process.wait()} before it printed '{prefix}'")
                    if line.startswith(prefix):
                        return line
                    position += 1
                if not self._seen.wait(deadline - time.monotonic()):
                    self._fail(f"did not print '{prefix}' within {timeout_s} s")

    def wait_until_it_answers(self, port, timeout_s):
        deadline = time.monotonic() + timeout_s
        while not answers(port):
            if self.process.poll() is not None:
                self._fail(f"ended with status {self.process.returncode} before it answered on port {port}")
            if time.monotonic() > deadline:
                self._fail(f"did not answer on port {port} within {timeout_s} s")
            time.sleep(POLL_S)

    def stop(self, timeout_s=30):
        """SIGTERM, then the exit status; a process that does not end in time is killed and the test fails."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            self._fail(f"did not end within {timeout_s} s of SIGTERM")
        self._close()
        return status

    def kill(self):
        """SIGKILL: what a power cut leaves of the process, though not of the page cache."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._close()

    def _close(self):
        atexit.unregister(self.kill)
        self._reader.join(5)
        self.process.stdout.close()
        self._log.close()

    def lines(self):
        """What it has printed so far."""
        with self._seen:
            return [line for line in self._lines if line is not None]

    def tail(self, count=40):
        with self._seen:
            return "\n".join(line for line in self._lines[-count:] if line is not None)

    def _fail(self, what):
        raise RuntimeError(f"{self.name} {what}; its log is {self.log_path}:\n{self.tail()}")

    def cpu_seconds(self):
        """User and system time so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
