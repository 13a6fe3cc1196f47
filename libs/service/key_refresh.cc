#include "libs/service/key_refresh.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"

namespace regulars::service {

KeyRefresh::KeyRefresh(std::map<std::string, seal::TransportKeys*> keys, absl::Duration pause,
                       metrics::Registry* metrics, const log::Logger* logger)
    : keys_(std::move(keys)), pause_(pause), logger_(logger) {
  if (keys_.empty()) return;
  for (const auto& [pool, transport] : keys_) {
    ages_.emplace(pool, metrics->MakeGauge("regulars_transport_key_age_days",
                                           "days since the day of the key that seals now; above 0: "
                                           "rotation is late, -1: no key seals",
                                           {{"pool", pool}}));
  }
  on_scrape_ = metrics->OnScrape([this] {
    for (const auto& [pool, transport] : keys_) {
      const std::optional<int64_t> age = transport->AgeDays(WallMicros());
      ages_.at(pool).Set(static_cast<double>(age.value_or(-1)));
    }
  });
  thread_ = std::thread([this] { Run(); });
}

KeyRefresh::~KeyRefresh() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void KeyRefresh::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stop_) {
    wake_.wait_for(lock, absl::ToChronoNanoseconds(pause_), [this] { return stop_; });
    if (stop_) return;
    lock.unlock();
    RefreshAll();
    lock.lock();
  }
}

void KeyRefresh::RefreshAll() {
  for (const auto& [pool, transport] : keys_) {
    const absl::Status status = transport->Refresh();
    bool& failed = failed_[pool];
    if (!status.ok() && !failed) {
      logger_->Error(
          Cat("transport keys of pool ", pool, " cannot be read again; the known ones stay"),
          status);
    }
    failed = !status.ok();
  }
}

}  // namespace regulars::service
