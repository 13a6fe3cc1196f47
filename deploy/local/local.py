#!/usr/bin/env python3
"""Start and stop a real Kafka and Redis on this machine; see cluster.py for what is in the folder.

  local.py up DIR [--fresh] [--exclusive] [--topics S]   start what is missing, print DIR/env
  local.py down DIR [--wipe]                             stop services, Redis, broker
  local.py status DIR                                    what runs
  local.py topics DIR [--shards S] [--generation g1]     create the topics of deploy/kafka/topics.yaml
  local.py kill-broker|start-broker|kill-redis|start-redis DIR
  local.py run DIR NAME -- COMMAND...                    start a service that `down` will stop
  local.py stop DIR NAME                                 stop one service
  local.py exec DIR -- COMMAND...                        run a command with DIR/env in its environment
  local.py list                                          running clusters of this user
"""

import argparse
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
VENV_PYTHON = HERE.parents[1] / ".venv/bin/python"
if VENV_PYTHON.exists() and pathlib.Path(sys.prefix).resolve() != VENV_PYTHON.parents[1].resolve():
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), *sys.argv])

sys.path.insert(0, str(HERE))
from cluster import Cluster, ClusterError, running_clusters  # noqa: E402  (needs the path above)


def parse(argv):
    command = []
    if "--" in argv:
        split = argv.index("--")
        argv, command = argv[:split], argv[split + 1:]
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name):
        sub = verbs.add_parser(name)
        sub.add_argument("dir")
        return sub

    up = verb("up")
    up.add_argument("--fresh", action="store_true")
    up.add_argument("--exclusive", action="store_true")
    up.add_argument("--topics", type=int, metavar="S")
    verb("down").add_argument("--wipe", action="store_true")
    topics = verb("topics")
    topics.add_argument("--shards", type=int, default=4)
    topics.add_argument("--generation", default="g1")
    for name in ("status", "kill-broker", "start-broker", "kill-redis", "start-redis", "exec"):
        verb(name)
    for name in ("run", "stop"):
        verb(name).add_argument("name")
    verbs.add_parser("list")
    args = parser.parse_args(argv)
    if args.verb in ("run", "exec") and not command:
        parser.error("a command is missing after --")
    return args, command


def show_env(cluster):
    print("".join(f"{key}={value}\n" for key, value in cluster.env().items()), end="")


def main():
    args, command = parse(sys.argv[1:])
    if args.verb == "list":
        print("".join(f"{folder}\n" for folder in running_clusters()), end="")
        return
    cluster = Cluster(args.dir)
    if args.verb == "up":
        cluster.up(fresh=args.fresh, exclusive=args.exclusive)
        if args.topics:
            cluster.create_topics(shards=args.topics)
        show_env(cluster)
    elif args.verb == "down":
        cluster.down(wipe=args.wipe)
    elif args.verb == "status":
        running = cluster.pids.alive()
        print("".join(f"{name} {pid}\n" for name, pid in running.items()), end="")
        show_env(cluster)
        sys.exit(0 if running else 1)
    elif args.verb == "topics":
        for name in cluster.create_topics(args.shards, args.generation):
            print(name)
    elif args.verb == "run":
        print(cluster.run(args.name, command))
    elif args.verb == "stop":
        cluster.stop(args.name)
    elif args.verb == "exec":
        os.execvpe(command[0], command, {**os.environ, **cluster.env()})
    else:
        getattr(cluster, args.verb.replace("-", "_"))()


if __name__ == "__main__":
    try:
        main()
    except ClusterError as error:
        sys.exit(f"local.py: {error}")
