"""What the reader sees, and the JSON that a program reads."""

import json
import time


class Checks:
    """Everything that must hold; the exit status is made of it."""

    def __init__(self):
        self.failed = []
        self.count = 0

    def equal(self, what, shown, expected):
        self.that(what, shown == expected, f"is {shown}, must be {expected}")

    def that(self, what, held, why=""):
        self.count += 1
        if not held:
            self.failed.append(f"{what} {why}".strip())

    @property
    def ok(self):
        return self.count > 0 and not self.failed


def say(text=""):
    print(text, flush=True)


def date(seconds):
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def money(cents):
    return f"${cents // 100:,}.{cents % 100:02}"


def share(part, whole):
    return f"{part * 1000 // whole / 10} %" if whole else "-"


def print_shop(shown, expected, sizes, top):
    """The shop owner's page; every line says whether the second computation agrees."""
    def line(label, key, text=None):
        value = f"{shown[key]:,}" if text is None else text
        mark = "=" if shown[key] == expected[key] else f"! expected {expected[key]:,}"
        say(f"  {label:<44} {value:>14}  {mark}")

    say("\nThe shop on 1998-06-30          ( = : a second program says the same, from the file )")
    line("members", "members")
    line("purchases", "purchases")
    line("paid", "purchase_cents", money(shown["purchase_cents"]))
    line(f"came back at least once ({share(shown['repeat_members'], shown['members'])})",
         "repeat_members")
    line("points issued", "points_issued")
    line("points expired", "points_expired")
    line("points outstanding (what the shop owes)", "points_outstanding")
    line("times a member was lost for 180 days", "lapsed_entries")
    line("members lost now", "lapsed_members")
    line("win-back messages decided", "sends_decided")
    line("win-back messages delivered", "sends_delivered")
    say("\n  segments:     " + ", ".join(f"{name} {members:,} members ({entries:,} entries)"
                                         for name, (members, entries) in sorted(sizes.items())))
    say("  best members: " + ", ".join(f"{row['customer']} {money(row['purchase_cents'] or 0)} in "
                                       f"{row['purchases']}" for row in top))


def print_engine(shown):
    say("\nThe engine")
    for label, key, unit in (("touches per second, replayed end to end", "touches_per_s", ""),
                             ("touch -> points, half are faster than", "touch_to_points_p50_ms", "ms"),
                             ("touch -> points, 99 of 100 are faster than",
                              "touch_to_points_p99_ms", "ms"),
                             ("points that the ledgers cannot explain", "ledger_imbalance", "")):
        say(f"  {label:<44} {shown[key]:>14,} {unit}")
    say(f"  {'keys in Redis that equal the log':<44} {shown['view_keys']:>14,} "
        + ("all of them" if shown["view_equals_log"] else "NOT all of them"))


def print_calls(system, pool, member):
    """Lines that work when pasted."""
    grpcurl = ".cache/tools/bin/grpcurl"
    key = f"$(cat {system.dir}/keys/{pool}/api-key)"
    points, segments = system.ports["points"]["grpc"], system.ports["segmentation"]["grpc"]
    say("\nEverything keeps running. Ask it yourself:")
    head = f'  {grpcurl} -plaintext -H "authorization: Bearer {key}"'
    say(f'{head} -d \'{{"name": "{member}/balances/loyalty"}}\' 127.0.0.1:{points} '
        "regulars.points.v1.PointsService/GetBalance")
    say(f'{head} -d \'{{"parent": "{member}/balances/loyalty", "page_size": 5}}\' 127.0.0.1:{points} '
        "regulars.points.v1.PointsService/ListEntries")
    say(f'{head} -d \'{{"name": "{member}/membership"}}\' 127.0.0.1:{segments} '
        "regulars.segmentation.v1.SegmentationService/GetMembership")
    tool = f"  build/release/bin/regularsctl --config={system.dir}/config.yaml"
    person = member.rsplit("/", 1)[1]
    say(f"{tool} member show {pool} {person}")
    say(f"{tool} points explain {pool} {person}")
    say(f"{tool} verify --data={system.dir}/state")
    say(f"{tool} lag")
    say(f"  curl -s http://127.0.0.1:{system.ports['points']['health']}/metrics")


def write(path, checks, size, shown):
    """The report; `ok` and `size` first, flat."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {"ok": checks.ok, "size": size, "checks": checks.count, "failed": checks.failed, **shown}
    staged = path.with_suffix(".new")
    staged.write_text(json.dumps(body, indent=2) + "\n")
    staged.rename(path)


def verdict(checks, path):
    if checks.ok:
        say(f"\nAll {checks.count} checks held. Report: {path}")
        return 0
    say(f"\n{len(checks.failed)} of {checks.count} checks FAILED. Report: {path}")
    for failure in checks.failed:
        say(f"  {failure}")
    return 1
