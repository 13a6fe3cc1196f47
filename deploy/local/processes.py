"""Processes of a local cluster, found again by pid and start time.

A pid alone can be reused, so every entry of <dir>/pids is `name pid start_ticks`; an entry counts as
alive only while a process with both exists and is not a zombie. Not thread-safe; one driver per
folder.
"""

import os
import pathlib
import signal
import subprocess
import time


def start_ticks(pid):
    """Start time of `pid` in clock ticks since boot, or None if it is gone or a zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rsplit(")", 1)[1].split()
    return None if fields[0] in "ZX" else int(fields[19])


def reap(pid):
    """Collects `pid` if it is a dead child of this process; otherwise does nothing."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except (ChildProcessError, OSError):
        pass


class PidTable:
    """The file <dir>/pids, in order of start."""

    def __init__(self, path):
        self._path = pathlib.Path(path)

    def entries(self):
        """[(name, pid, start_ticks)], dead ones included."""
        if not self._path.exists():
            return []
        rows = (line.split() for line in self._path.read_text().splitlines() if line.strip())
        return [(name, int(pid), int(ticks)) for name, pid, ticks in rows]

    def alive(self):
        """{name: pid} of what runs now."""
        return {name: pid for name, pid, ticks in self.entries() if start_ticks(pid) == ticks}

    def add(self, name, pid):
        rows = [row for row in self.entries() if row[0] != name]
        rows.append((name, pid, start_ticks(pid) or 0))
        self._write(rows)

    def remove(self, name):
        self._write([row for row in self.entries() if row[0] != name])

    def _write(self, rows):
        staged = self._path.with_suffix(".new")
        staged.write_text("".join(f"{name} {pid} {ticks}\n" for name, pid, ticks in rows))
        staged.rename(self._path)


def start(argv, log_path, env=None, cwd=None):
    """Starts `argv` in a session of its own, output appended to `log_path`. Returns its pid."""
    log_path = pathlib.Path(log_path)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with open(log_path, "ab") as log:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=cwd,
                                 env={**os.environ, **(env or {})}, start_new_session=True)
    child.returncode = 0  # the table owns it now; no ResourceWarning from this object
    return child.pid


def stop(pid, grace_s=10.0, sig=signal.SIGTERM):
    """Sends `sig`, waits up to `grace_s`, then kills. Returns True if it ended by itself."""
    ticks = start_ticks(pid)
    if ticks is None:
        reap(pid)
        return True
    for step in (sig, signal.SIGCONT):  # a stopped process must wake up to see the signal
        try:
            os.kill(pid, step)
        except ProcessLookupError:
            break
    if wait_gone(pid, ticks, grace_s):
        return True
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    wait_gone(pid, ticks, 10.0)
    return False


def wait_gone(pid, ticks, limit_s):
    deadline = time.monotonic() + limit_s
    while start_ticks(pid) == ticks:
        if time.monotonic() > deadline:
            return False
        reap(pid)
        time.sleep(0.02)
    reap(pid)
    return True
