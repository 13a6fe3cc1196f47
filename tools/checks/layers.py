#!/usr/bin/env python3
"""Include and call bans of the C++ tree. Every ban names what to use instead.

Usage: layers.py [ROOT] [--selftest]

Checked are tracked and new files (not ignored ones). Comments do not count. A rule that gets in the
way is argued about and changed here; there is no waiver comment.
"""

import pathlib
import re
import subprocess
import sys

# Library levels: a library includes only lower ones; inside levels 1 and 2 neighbours are allowed
# (the build checks link dependencies the same way).
LEVELS = {"base": 0, "model": 1, "config": 1, "log": 1, "metrics": 1, "events": 2, "kafka": 2,
          "store": 2, "redis": 2, "rpc": 2, "seal": 2, "normalize": 2, "shard": 3,
          "handoff": 4, "service": 4}

TESTS = r"(tests|tools)/|.*_i?test\.cc$|.*/testing/"
KERNEL = r"services/[^/]+/kernel/(?!.*_test\.cc$)"

# (what is banned, where it is banned, where it is allowed all the same, what to use instead)
INCLUDE_BANS = [
    (r"librdkafka/", r".*", r"libs/kafka/|tests/", "libs/kafka/port.h"),
    (r"hiredis/", r".*", r"libs/redis/|tests/", "libs/redis/view.h"),
    (r"phonenumbers/|unicode/", r".*", r"libs/normalize/|tests/", "libs/normalize/normalize.h"),
    (r"rocksdb/", r".*", r"libs/store/|tests/", "libs/store/store.h"),
    (r"grpcpp/|grpc/|.*\.grpc\.pb\.h", r".*",
     r"libs/rpc/|libs/service/|services/[^/]+/(shell/|main\.cc)|tools/|tests/",
     "the kernel's outcome types, turned into calls by libs/rpc and the service's shell"),
    (r"(chrono|random|thread|iostream|fstream|mutex|shared_mutex|atomic|future|condition_variable|"
     r"ctime|sys/time\.h|unistd\.h)$", KERNEL, None,
     "time, ids and randomness that arrive in the input; a kernel is one thread without I/O"),
    (r"absl/(time|synchronization|random)/", KERNEL, None,
     "time, ids and randomness that arrive in the input"),
    (r"libs/(kafka|store|redis|rpc|log|metrics|service|seal|config)/", KERNEL, None,
     "effects (libs/shard/kernel.h): the runtime does the work"),
]

# Calls; matched on lines without comments and string literals.
CALL_BANS = [
    (r"\brd_kafka_consume_batch\b|\brd_kafka_consume_batch_queue\b", r".*", None,
     "rd_kafka_consumer_poll in a drain loop (batch calls lose or repeat messages around rebalances)"),
    (r"\brd_kafka_(pause|resume)_partitions\b", r".*", None,
     "assign with explicit offsets from the own table"),
    (r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\(|\babsl::SleepFor\b", r".*_i?test\.cc$", None,
     "waiting on a condition with a deadline"),
    (r"\bstd::(cout|cerr)\b|(?<![\w:.>])f?printf\s*\(", r"(libs|services)/", TESTS + r"|.*/main\.cc$",
     "libs/log"),
    (r"(?<![\w:.>_])assert\s*\(", r"(libs|services)/", TESTS, "REGULARS_ASSERT (on in all builds)"),
    (r"\b(std::)?s?rand\s*\(|\bstd::random_device\b", r".*", None,
     "a seeded generator handed in by the caller"),
    (r"\b(system_clock|steady_clock|high_resolution_clock)::now\b|\babsl::Now\b", KERNEL, None,
     "the input's own time"),
    (r"\b(float|double)\b", r"services/(points|identity)/kernel/", r".*_test\.cc$",
     "checked integers (libs/model): points and money are never floating point"),
]

FOLDER_BAN = re.compile(r"(^|/)(common|utils?|helpers?|misc)(/|$)")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
OPEN_WORK = re.compile(r"\b(TODO|FIXME)\b")


def sources(root):
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "--", "*.h", "*.cc"],
        check=True, capture_output=True, text=True).stdout.split("\n")
    return sorted(path for path in set(listed) if path and (root / path).is_file())


def code_only(line, in_comment):
    """The line without comments and string contents, and whether a block comment stays open."""
    text = ""
    while line:
        if in_comment:
            end = line.find("*/")
            if end < 0:
                return text, True
            line, in_comment = line[end + 2:], False
            continue
        match = re.search(r'//|/\*|"(?:\\.|[^"\\])*"', line)
        if not match:
            return text + line, False
        text += line[:match.start()]
        if match.group() == "//":
            return text, False
        if match.group() == "/*":
            in_comment = True
        else:
            text += '""'
        line = line[match.end():]
    return text, in_comment


def check_include(path, target):
    for banned, where, allowed, instead in INCLUDE_BANS:
        if re.match(banned, target) and re.match(where, path) and not (
                allowed and re.match(allowed, path)):
            yield f"must not include <{target}>; use {instead}"
    own = re.match(r"libs/([^/]+)/", path)
    other = re.match(r"libs/([^/]+)/", target)
    if own and other and own[1] != other[1]:
        mine, theirs = LEVELS.get(own[1]), LEVELS.get(other[1])
        if mine is None or theirs is None:
            yield f"libs/{own[1] if mine is None else other[1]} has no level in layers.py"
        elif theirs > mine or (theirs == mine and mine >= 3):
            yield f"level {mine} must not include {target} (level {theirs}); pass it in from above"
    if own and re.match(r"(services|tools)/", target):
        yield f"a library must not include {target}; pass it in from above"
    service = re.match(r"services/([^/]+)/", path)
    other = re.match(r"services/([^/]+)/", target)
    if service and other and service[1] != other[1]:
        yield f"must not include {target}; services meet only in events (proto/)"
    kernel = re.match(r"services/([^/]+)/kernel/", path)
    proto = re.match(r"regulars/([^/]+)/v\d+/", target)
    if kernel and proto and proto[1] not in (kernel[1], "types", "runtime"):
        yield f"must not include {target}; a kernel knows no other service's wire types (codec/)"


def check_file(path, text):
    """[(line, message)] for one file."""
    found = []
    if FOLDER_BAN.search(str(pathlib.PurePosixPath(path).parent)):
        found.append((1, "a folder named common/util says nothing; name it after what it holds"))
    in_comment = False
    for number, line in enumerate(text.splitlines(), 1):
        include = None if in_comment else INCLUDE.match(line)
        code, in_comment = code_only(line, in_comment)
        if OPEN_WORK.search(line):
            found.append((number, "open work belongs in an issue, not in a comment"))
        if include:
            found += [(number, message) for message in check_include(path, include[1])]
            continue
        for banned, where, allowed, instead in CALL_BANS:
            hit = re.search(banned, code)
            if hit and re.match(where, path) and not (allowed and re.match(allowed, path)):
                found.append((number, f"must not use {hit.group().strip()}; use {instead}"))
    return found


# Each row: path, line, must it be refused?
SELFTEST = [
    ("libs/shard/loop.cc", "#include <librdkafka/rdkafka.h>", True),
    ("libs/kafka/real.cc", "#include <librdkafka/rdkafka.h>", False),
    ("services/points/shell/x.cc", "#include <hiredis/hiredis.h>", True),
    ("libs/shard/x.cc", '#include "rocksdb/db.h"', True),
    ("libs/shard/x.cc", "#include <grpcpp/grpcpp.h>", True),
    ("services/points/shell/x.cc", "#include <grpcpp/grpcpp.h>", False),
    ("services/points/kernel/x.cc", "#include <chrono>", True),
    ("services/points/shell/x.cc", "#include <chrono>", False),
    ("services/points/kernel/x.cc", '#include "libs/kafka/port.h"', True),
    ("services/points/kernel/x.cc", '#include "libs/shard/kernel.h"', False),
    ("services/points/kernel/x.cc", '#include "regulars/identity/v1/identity_events.pb.h"', True),
    ("services/points/kernel/x.cc", '#include "regulars/points/v1/points_state.pb.h"', False),
    ("services/points/shell/x.cc", '#include "services/identity/kernel/state.h"', True),
    ("libs/base/x.h", '#include "libs/kafka/port.h"', True),
    ("libs/kafka/x.h", '#include "libs/base/status.h"', False),
    ("libs/shard/x.h", '#include "libs/service/app.h"', True),
    ("libs/kafka/x.cc", "n = rd_kafka_consume_batch(topic, 0, 10, messages, 5);", True),
    ("libs/kafka/x.cc", "// rd_kafka_consume_batch is banned", False),
    ("libs/kafka/x.cc", 'Log("rd_kafka_consume_batch")', False),
    ("libs/kafka/x_test.cc", "std::this_thread::sleep_for(1s);", True),
    ("libs/kafka/x.cc", "assert(x);", True),
    ("libs/kafka/x.cc", "static_assert(sizeof(x) == 8);", False),
    ("libs/kafka/x.cc", "REGULARS_ASSERT(x);", False),
    ("libs/kafka/x.cc", 'snprintf(buffer, 3, "x");', False),
    ("libs/kafka/x.cc", 'std::cout << "x";', True),
    ("services/points/kernel/x.cc", "double points = 1;", True),
    ("libs/common/x.h", "int x;", True),
]


def selftest():
    wrong = [row for row in SELFTEST if bool(check_file(row[0], row[1])) != row[2]]
    for path, line, refused in wrong:
        print(f"selftest: {path}: {line!r} should be {'refused' if refused else 'allowed'}")
    print(f"{len(SELFTEST) - len(wrong)} of {len(SELFTEST)} rows as expected")
    return 1 if wrong else 0


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--selftest"]
    if "--selftest" in sys.argv:
        return selftest()
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parents[2]).resolve()
    count, paths = 0, sources(root)
    for path in paths:
        for line, message in check_file(path, (root / path).read_text(errors="replace")):
            print(f"{path}:{line}: {message}")
            count += 1
    print(f"{len(paths)} files, {count} violations")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
