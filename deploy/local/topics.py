#!/usr/bin/env python3
"""Creates the topics of deploy/kafka/topics.yaml through the Kafka admin protocol.

  topics.py create BOOTSTRAP [--shards S] [--generation g1] [--profile local|production]
  topics.py list [--shards S] [--generation g1] [--profile ...]      what would be created, as JSON

A topic that exists with the right number of partitions is left alone; a wrong number is an error,
since a generation's partition count never changes. Settings of existing topics are not touched.
"""

import argparse
import json
import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIMIT_S = 60.0


class TopicError(RuntimeError):
    pass


def load(shards, generation="g1", profile="local", path=None):
    """[{name, partitions, replicas, config}] in the order of the file."""
    import yaml
    path = path or os.environ.get("REGULARS_TOPICS", ROOT / "deploy/kafka/topics.yaml")
    data = yaml.safe_load(pathlib.Path(path).read_text())
    chosen = data["profiles"][profile]
    topics = []
    for base, kind_name in data["topics"].items():
        kind = data["kinds"][kind_name]
        config = {**data["defaults"], **kind["config"], **chosen["config"],
                  **chosen.get("kinds", {}).get(kind_name, {})}
        topics.append({
            "name": f"{base}.{generation}",
            "partitions": shards if kind["partitions"] == "shards" else kind["partitions"],
            "replicas": chosen["replicas"],
            "config": {key: str(value) for key, value in config.items()},
        })
    return topics


def create(bootstrap, shards=4, generation="g1", profile="local", client=None):
    """Creates what is missing; returns the names of all topics of the generation."""
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import AdminClient, NewTopic
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 3, **(client or {})})
    wanted = load(shards, generation, profile)
    futures = admin.create_topics(
        [NewTopic(topic["name"], num_partitions=topic["partitions"],
                  replication_factor=topic["replicas"], config=topic["config"])
         for topic in wanted], operation_timeout=LIMIT_S, request_timeout=LIMIT_S)
    for name, future in futures.items():
        try:
            future.result(LIMIT_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicError(f"{name}: {error.args[0].str()}") from error
    have = admin.list_topics(timeout=LIMIT_S).topics
    # The answer to a creation is the controller's; the broker's own metadata follows a moment later.
    deadline = time.monotonic() + LIMIT_S
    while any(topic["name"] not in have for topic in wanted) and time.monotonic() < deadline:
        time.sleep(0.05)
        have = admin.list_topics(timeout=LIMIT_S).topics
    for topic in wanted:
        count = len(have[topic["name"]].partitions) if topic["name"] in have else 0
        if count != topic["partitions"]:
            raise TopicError(f"{topic['name']} has {count} partitions, not {topic['partitions']}")
    _wait_leaders(admin, wanted, deadline)
    return [topic["name"] for topic in wanted]


def _wait_leaders(admin, wanted, deadline):
    """Until every partition answers: a new leader refuses requests for a moment."""
    from confluent_kafka import KafkaException, TopicPartition
    from confluent_kafka.admin import OffsetSpec
    open_places = [TopicPartition(topic["name"], partition)
                   for topic in wanted for partition in range(topic["partitions"])]
    while open_places:
        asked = admin.list_offsets({place: OffsetSpec.latest() for place in open_places},
                                   request_timeout=LIMIT_S)
        open_places, problem = [], None
        for place, future in asked.items():
            try:
                future.result(LIMIT_S)
            except KafkaException as error:
                open_places.append(place)
                problem = error
        if open_places and time.monotonic() > deadline:
            raise TopicError(f"{open_places[0].topic} has no leader: {problem}")
        if open_places:
            time.sleep(0.05)


def client_settings(path):
    """Settings of a JSON file; a value of the form @/path is the content of that file."""
    settings = json.loads(pathlib.Path(path).read_text())
    return {key: pathlib.Path(value[1:]).read_text().strip() if value.startswith("@") else value
            for key, value in settings.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["create", "list"])
    parser.add_argument("bootstrap", nargs="?")
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--generation", default="g1")
    parser.add_argument("--profile", default="local")
    parser.add_argument("--client-config",
                        help="JSON file with further client settings; @FILE reads a value")
    args = parser.parse_args()
    if args.verb == "list":
        print(json.dumps(load(args.shards, args.generation, args.profile), indent=2))
        return
    if not args.bootstrap:
        parser.error("create needs BOOTSTRAP")
    client = client_settings(args.client_config) if args.client_config else None
    print("\n".join(create(args.bootstrap, args.shards, args.generation, args.profile, client)))


if __name__ == "__main__":
    try:
        main()
    except TopicError as error:
        sys.exit(f"topics.py: {error}")
