"""The goals and the lines that are printed. A goal may be missed and is then named; a rule may not."""

# key -> (comparison, limit)
GOALS = {
    "points_vs_echo": (">=", 0.40),
    "points_vs_streams_cpu": ("<=", 0.25),
    "identity_warm_touches_per_s": (">=", 20_000),
    "identity_vs_echo": (">=", 0.25),
    "identity_handler_per_s": (">=", 300_000),
    "merge_visible_p99_ms": ("<=", 500),
    "points_moved_p99_ms": ("<=", 1_000),
    "known_id_p99_ms": ("<=", 150),
    "redeem_vs_bare_txn": ("<=", 1.5),
    "view_vs_mset": (">=", 0.4),
    "e2e_touches_per_s": (">=", 10_000),
    "rss_mib_max": ("<=", 256),
    "idle_cpu_percent": ("<=", 1),
}


def held(key, value):
    comparison, limit = GOALS[key]
    return value >= limit if comparison == ">=" else value <= limit


def rounded(value):
    """Three digits that matter, whole numbers from 1,000 on."""
    if not isinstance(value, float):
        return value
    if abs(value) >= 1000:
        return round(value)
    return round(value, 1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3)


def line(key, value, judged):
    """`points_vs_echo  0.52  goal >= 0.4`, with MISSED where that is so."""
    text = f"{value:,}" if isinstance(value, (int, float)) and not isinstance(value, bool) else value
    shown = f"  {key:<36} {text!s:>12}"
    if key not in GOALS:
        return shown
    comparison, limit = GOALS[key]
    mark = "" if held(key, value) or not judged else "  MISSED"
    return f"{shown}  goal {comparison} {limit:,}{mark}"
