"""regulars-points with the state of every member: stopped (SIGTERM, then kill -9), started, ready."""

import signal
import time

LIMIT_S = 120.0


def run(stage, size, shown):
    shown["restart_members"] = size.members
    for name, sig in (("restart_ready_ms", signal.SIGTERM),
                      ("restart_ready_killed_ms", signal.SIGKILL)):
        stage.stop_service(sig)
        start = time.monotonic()
        stage.start_service()
        shown[name] = (time.monotonic() - start) * 1000
    stage.stop_service()
    store = sum(path.stat().st_size for path in stage.state_dir.rglob("*") if path.is_file())
    shown["state_bytes_per_member"] = store / size.members
    return []
