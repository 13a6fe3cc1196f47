"""How far each service is behind: records of its input topics that its consumer group has not
committed yet. For the progress lines; nothing is decided from it."""

from confluent_kafka import Consumer, TopicPartition

from system import GENERATION, SHARDS

INPUTS = {"identity": "ingest.touches", "points": "identity.events",
          "segmentation": "identity.events", "messaging": "segmentation.events"}


class Lag:
    def __init__(self, bootstrap):
        # A consumer that never joins: it only asks for the group's positions.
        self._groups = {service: Consumer({"bootstrap.servers": bootstrap, "log_level": 3,
                                           "group.id": f"regulars.{service}.{GENERATION}"})
                        for service in INPUTS}

    def read(self):
        """{service: records}"""
        behind = {}
        for service, topic in INPUTS.items():
            reader = self._groups[service]
            places = [TopicPartition(f"regulars.{topic}.v1.{GENERATION}", shard)
                      for shard in range(SHARDS)]
            behind[service] = 0
            for place in reader.committed(places, timeout=10):
                low, high = reader.get_watermark_offsets(
                    TopicPartition(place.topic, place.partition), timeout=10)
                # The last offset of a topic written in transactions is a marker, not a record.
                markers = 0 if service == "identity" else 1
                behind[service] += max(0, high - max(place.offset, low) - markers)
        return behind

    def close(self):
        for reader in self._groups.values():
            reader.close()
