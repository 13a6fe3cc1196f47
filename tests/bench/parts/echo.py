"""The physical limit on this broker: a bare client that consumes the same input topic and writes the
records that points writes for it; and, further off, one that only copies its input."""

import context
from ledger_stage import CHANGELOG, EVENTS, INPUT


def run(stage, size, shown):
    ends = {topic: sum(context.log_ends(stage.bootstrap, topic)) for topic in (EVENTS, CHANGELOG)}
    same = context.tool("echo", bootstrap=stage.bootstrap, topic=INPUT, warm_up=size.warm_up,
                        form="same", events_of=EVENTS, events_to="bench.echo.events",
                        events_per_input=ends[EVENTS] / size.records,
                        changelog_of=CHANGELOG, changelog_to="bench.echo.changelog",
                        changelog_per_input=ends[CHANGELOG] / size.records)
    copy = context.tool("echo", bootstrap=stage.bootstrap, topic=INPUT, warm_up=size.warm_up,
                        form="copy", to="bench.echo.copy")
    shown["echo_inputs_per_s"] = same["inputs_per_s"]
    shown["echo_outputs_per_input"] = same["outputs"] / same["inputs"]
    shown["copy_inputs_per_s"] = copy["inputs_per_s"]
    if "points_inputs_per_s" in shown:
        shown["points_vs_echo"] = shown["points_inputs_per_s"] / same["inputs_per_s"]
        shown["points_vs_copy"] = shown["points_inputs_per_s"] / copy["inputs_per_s"]
    return []
