// The settings of every kind of client, as data with a reason each. Part of rdkafka_log.h.
#ifndef REGULARS_LIBS_KAFKA_RDKAFKA_CONFIG_H_
#define REGULARS_LIBS_KAFKA_RDKAFKA_CONFIG_H_

#include <string>
#include <utility>
#include <vector>

#include "libs/kafka/rdkafka_log.h"

namespace regulars::kafka::rd {

using Settings = std::vector<std::pair<std::string, std::string>>;

Settings ConsumerSettings(const RdkafkaOptions& options, const ConsumerOptions& consumer);
Settings ReaderSettings(const RdkafkaOptions& options);
Settings TransactionalProducerSettings(const RdkafkaOptions& options,
                                       const TransactionalProducerOptions& producer);
Settings ProducerSettings(const RdkafkaOptions& options);
Settings AdminSettings(const RdkafkaOptions& options);

}  // namespace regulars::kafka::rd

#endif  // REGULARS_LIBS_KAFKA_RDKAFKA_CONFIG_H_
