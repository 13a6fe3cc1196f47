#include "libs/kafka/inspect.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/kafka/rdkafka_handle.h"

namespace regulars::kafka {

namespace {

using rd::Owned;

struct AdminDeleter {
  void operator()(rd_kafka_AdminOptions_t* p) const { rd_kafka_AdminOptions_destroy(p); }
  void operator()(rd_kafka_ConfigResource_t* p) const { rd_kafka_ConfigResource_destroy(p); }
};
template <typename T>
using AdminOwned = std::unique_ptr<T, AdminDeleter>;

class RdInspector final : public Inspector {
 public:
  RdInspector(std::shared_ptr<rd::Handle> committed, std::shared_ptr<rd::Handle> all)
      : committed_(std::move(committed)), all_(std::move(all)) {}

  absl::StatusOr<std::map<std::string, int32_t>> Topics(absl::Duration timeout) override {
    const rd_kafka_metadata_t* raw = nullptr;
    const rd_kafka_resp_err_t err =
        rd_kafka_metadata(all_->get(), 1, nullptr, &raw, rd::TimeoutMs(timeout));
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) return rd::ToStatus(err, "topics");
    const Owned<const rd_kafka_metadata_t> metadata(raw);
    std::map<std::string, int32_t> topics;
    for (int i = 0; i < metadata->topic_cnt; ++i) {
      topics[metadata->topics[i].topic] = metadata->topics[i].partition_cnt;
    }
    return topics;
  }

  absl::StatusOr<PartitionEnds> Ends(const TopicPartition& partition,
                                     absl::Duration timeout) override {
    const auto committed = rd::QueryWatermarks(committed_->get(), partition, timeout);
    if (!committed.ok()) return committed.status();
    const auto all = rd::QueryWatermarks(all_->get(), partition, timeout);
    if (!all.ok()) return all.status();
    return PartitionEnds{.low = all->low, .stable = committed->high, .high = all->high};
  }

  absl::StatusOr<std::map<std::string, std::map<std::string, std::string>>> Configs(
      const std::vector<std::string>& topics, absl::Duration timeout) override {
    std::map<std::string, std::map<std::string, std::string>> found;
    if (topics.empty()) return found;
    rd_kafka_t* rk = all_->get();
    std::vector<AdminOwned<rd_kafka_ConfigResource_t>> owned;
    std::vector<rd_kafka_ConfigResource_t*> raw;
    for (const std::string& topic : topics) {
      owned.emplace_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
      raw.push_back(owned.back().get());
    }
    const AdminOwned<rd_kafka_AdminOptions_t> options(
        rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS));
    char why[256];
    rd_kafka_AdminOptions_set_request_timeout(options.get(), rd::TimeoutMs(timeout), why,
                                              sizeof(why));
    const Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(rk));
    rd_kafka_DescribeConfigs(rk, raw.data(), raw.size(), options.get(), queue.get());
    const Owned<rd_kafka_event_t> event(rd_kafka_queue_poll(queue.get(), rd::TimeoutMs(timeout)));
    if (event == nullptr) return absl::DeadlineExceededError("describe configs");
    if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return rd::ToStatus(rd_kafka_event_error(event.get()), "describe configs");
    }
    size_t count = 0;
    const rd_kafka_ConfigResource_t** resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event.get()), &count);
    for (size_t i = 0; i < count; ++i) {
      const std::string name = rd_kafka_ConfigResource_name(resources[i]);
      if (const auto err = rd_kafka_ConfigResource_error(resources[i]);
          err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return rd::ToStatus(err, absl::StrCat("settings of ", name));
      }
      size_t entries = 0;
      const rd_kafka_ConfigEntry_t** configs =
          rd_kafka_ConfigResource_configs(resources[i], &entries);
      for (size_t j = 0; j < entries; ++j) {
        const char* value = rd_kafka_ConfigEntry_value(configs[j]);
        found[name][rd_kafka_ConfigEntry_name(configs[j])] = value == nullptr ? "" : value;
      }
    }
    return found;
  }

 private:
  const std::shared_ptr<rd::Handle> committed_;  // ends at the last stable offset
  const std::shared_ptr<rd::Handle> all_;        // ends at the high watermark
};

}  // namespace

absl::StatusOr<std::unique_ptr<Inspector>> MakeInspector(const RdkafkaOptions& options) {
  auto committed = rd::Handle::Make(options, RD_KAFKA_CONSUMER, rd::ReaderSettings(options), {});
  if (!committed.ok()) return committed.status();
  rd::Settings settings = rd::ReaderSettings(options);
  // The only place that looks at undecided records: it asks where they end and never reads them.
  settings.emplace_back("isolation.level", "read_uncommitted");
  auto all = rd::Handle::Make(options, RD_KAFKA_CONSUMER, settings, {});
  if (!all.ok()) return all.status();
  return std::make_unique<RdInspector>(*std::move(committed), *std::move(all));
}

}  // namespace regulars::kafka
