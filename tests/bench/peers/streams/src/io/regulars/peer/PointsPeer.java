package io.regulars.peer;

import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.Stores;

/**
 * The points work as a Kafka Streams application: exactly_once_v2, one RocksDB store with a changelog.
 * Arguments: bootstrap, input topic, output topic, pool, state folder, application id. Ends on SIGTERM.
 */
public final class PointsPeer {
  private static final int THREADS = 1; // as many as the service has
  private static final long CACHE_BYTES = 64L << 20;

  private PointsPeer() {}

  public static void main(String[] args) throws InterruptedException {
    KafkaStreams streams =
        new KafkaStreams(topology(args[1], args[2], args[3]), settings(args[0], args[4], args[5]));
    CountDownLatch ended = new CountDownLatch(1);
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          ended.countDown();
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(20))));
    streams.start();
    ended.await();
    System.exit(1);
  }

  static Topology topology(String input, String output, String pool) {
    var bytes = Serdes.ByteArray();
    Topology topology = new Topology();
    topology.addSource("orders", bytes.deserializer(), bytes.deserializer(), input);
    topology.addProcessor("points", () -> new PointsProcessor(pool), "orders");
    // Caching: writes of one key between two commits become one, as in our batches.
    topology.addStateStore(
        Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(PointsProcessor.STORE), bytes, bytes)
            .withCachingEnabled()
            .withLoggingEnabled(Map.of()),
        "points");
    topology.addSink("events", output, bytes.serializer(), bytes.serializer(), "points");
    return topology;
  }

  static Properties settings(String bootstrap, String folder, String application) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, folder);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100); // the default of exactly_once_v2
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, CACHE_BYTES); // default 10 MiB
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, THREADS);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    settings.put(StreamsConfig.METRICS_RECORDING_LEVEL_CONFIG, "INFO"); // the least there is
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 4000);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 1 << 18);
    return settings;
  }
}
