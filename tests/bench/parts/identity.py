"""regulars-identity: its handlers in process; warm touches from a preloaded topic; the bare client that
writes as many records of the same bytes."""

import time

import context
from people_stage import CHANGELOG, EVENTS, GROUP, LINKS, TOUCHES

OUTPUTS = (EVENTS, LINKS, CHANGELOG)
LINKS_BEHIND_MAX = 100   # markers of transactions are never read
LIMIT_S = 900.0


def run(stage, size, shown):
    handlers = context.tool("handlers", people=size.handler_people)
    shown["identity_handler_per_s"] = handlers["join_inputs_per_s"]
    shown["identity_handler_inputs"] = handlers["join_inputs"]
    shown["identity_warm_handler_per_s"] = handlers["warm_inputs_per_s"]
    per_touch = _warm_touches(stage, shown)
    echo = context.tool("echo", bootstrap=stage.bootstrap, topic=TOUCHES,
                        warm_up=stage.size.warm_up + stage.size.lead, form="same", events_of=EVENTS,
                        events_to="bench.echo.events", events_per_input=per_touch[EVENTS],
                        changelog_of=CHANGELOG, changelog_to="bench.echo.changelog",
                        changelog_per_input=per_touch[CHANGELOG])
    shown["identity_echo_inputs_per_s"] = echo["inputs_per_s"]
    shown["identity_vs_echo"] = shown["identity_warm_touches_per_s"] / echo["inputs_per_s"]
    return _check(stage, per_touch)


def _warm_touches(stage, shown):
    """Records per touch of each output topic, while all of the people are known."""
    _make_known(stage)
    stage.fill_part(stage.size.warm_up, stage.size.records)
    pid = stage.start_service(wait=False)
    watch = context.Group(stage.bootstrap, GROUP, TOUCHES)
    try:
        first = stage.size.warm_up + stage.size.lead
        context.wait_for(lambda: watch.position() >= first, "the first touches", LIMIT_S)
        before, begin = _ends(stage), watch.position()
        start, cpu = time.monotonic(), context.cpu_s(pid)
        context.wait_for(lambda: watch.position() >= stage.size.records, "the last touch", LIMIT_S, 0.1)
        seconds = time.monotonic() - start
        context.wait_for(lambda: stage.service_metrics().get("regulars_view_caught_up") == 1,
                         "the view", LIMIT_S, 0.1)
        used = context.cpu_s(pid) - cpu
    finally:
        watch.close()
    touches = stage.size.records - begin
    per_touch = {topic: (end - before[topic]) / touches for topic, end in _ends(stage).items()}
    shown["identity_warm_touches"] = touches
    shown["identity_warm_touches_per_s"] = touches / seconds
    shown["identity_cpu_s_per_million"] = used / touches * 1e6
    shown["identity_rss_mib"] = context.rss_peak_mib(pid)
    shown["identity_records_per_warm_touch"] = sum(per_touch.values())
    shown["identity_links_per_warm_touch"] = per_touch[LINKS]
    return per_touch


def _make_known(stage):
    """Everybody once, and what joins their identifiers; then identity is stopped."""
    stage.start_service()
    groups = {topic: context.Group(stage.bootstrap, GROUP, topic) for topic in (TOUCHES, LINKS)}

    def settled():
        behind = sum(context.log_ends(stage.bootstrap, LINKS)) - groups[LINKS].position()
        return groups[TOUCHES].position() >= stage.size.warm_up and behind <= LINKS_BEHIND_MAX

    try:
        context.wait_for(settled, "everybody is known", LIMIT_S, 0.2)
    finally:
        for group in groups.values():
            group.close()
    stage.stop_service()


def _ends(stage):
    return {topic: sum(context.log_ends(stage.bootstrap, topic)) for topic in OUTPUTS}


def _check(stage, per_touch):
    """Every touch is counted once, everybody is one member, and warm touches say nothing to others."""
    consumed = sum(stage.sum(name) for name in ("touches_new", "touches_duplicate"))
    born, joined = stage.sum("members_created"), stage.sum("members_merged")
    problems = []
    if consumed != stage.size.records:
        problems.append(f"{consumed} touches consumed, must be {stage.size.records}")
    if born - joined != stage.size.members:
        problems.append(f"{born} members born, {joined} joined: must leave {stage.size.members}")
    # Markers of transactions count as records; a message per touch would be 1.
    if per_touch[LINKS] > 0.1:
        problems.append(f"{per_touch[LINKS]:.2f} link records per warm touch")
    return problems
