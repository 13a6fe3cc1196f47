"""regulars-points on its preloaded input topic: inputs per second and processor time of the process."""

import context
from ledger_stage import EVENTS, GROUP, INPUT


def run(stage, size, shown):
    pid = stage.start_service(wait=False)
    seen = context.drain(stage.bootstrap, GROUP, INPUT, size, pid, settled=stage.view_caught_up)
    shown["points_inputs"] = size.measured
    shown["points_inputs_per_s"] = seen["inputs_per_s"]
    shown["points_cpu_s_per_million"] = seen["cpu_s_per_million"]
    shown["points_rss_mib"] = context.rss_peak_mib(pid)
    wanted = context.tool("digest", **stage.workload())
    found = context.tool("digest", bootstrap=stage.bootstrap, topic=EVENTS)
    shown["points_outputs_equal"] = found == wanted
    shown["points_earned_events"] = found["entries"]
    if found != wanted:
        return [f"points published {found}, must be {wanted}"]
    return []
