#include "tools/regularsctl/verify.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "libs/store/rocksdb_follower.h"
#include "tools/regularsctl/audit/changelog_fold.h"
#include "tools/regularsctl/audit/output_audit.h"
#include "tools/regularsctl/audit/state_audit.h"
#include "tools/regularsctl/audit/store_audit.h"
#include "tools/regularsctl/audit/view_audit.h"
#include "tools/regularsctl/log_reader.h"
#include "tools/regularsctl/quiet.h"

namespace regulars::ctl {
namespace {

namespace fs = std::filesystem;

constexpr int kDepthMax = 4;
constexpr int kOpenTries = 3;
constexpr absl::Duration kOpenPause = absl::Milliseconds(200);
constexpr absl::Duration kViewPause = absl::Milliseconds(200);
// Store name ("points-3") -> folders that hold a database of that name.
using StoreFolders = std::multimap<std::string, std::string>;

absl::StatusOr<StoreFolders> FindStores(const std::vector<std::string>& data) {
  StoreFolders found;
  for (const std::string& root : data) {
    std::error_code error;
    if (!fs::is_directory(root, error)) return absl::NotFoundError(Cat("no folder ", root));
    auto it = fs::recursive_directory_iterator(root, fs::directory_options::skip_permission_denied,
                                               error);
    for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
      if (it.depth() >= kDepthMax) it.disable_recursion_pending();
      if (it->path().filename() == "CURRENT") {
        const fs::path folder = it->path().parent_path();
        found.emplace(folder.filename().string(), folder.string());
      }
    }
    if (error) return absl::UnavailableError(Cat("reading ", root, ": ", error.message()));
  }
  return found;
}

class Verification {
 public:
  Verification(const VerifyPorts& ports, const VerifyOptions& options, LogReader* log,
               StoreFolders stores, Findings* findings)
      : ports_(ports),
        options_(options),
        log_(log),
        stores_(std::move(stores)),
        findings_(findings) {}

  absl::Status Run() {
    REGULARS_RETURN_IF_ERROR(
        WaitQuiet(log_, options_.services, options_.wait, ports_.now, ports_.pause, findings_));
    view_until_ = ports_.now() + options_.wait;
    findings_->Count("services", static_cast<int64_t>(options_.services.size()));
    for (const std::string& service : options_.services) {
      REGULARS_RETURN_IF_ERROR(CheckService(service));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CheckService(const std::string& service) {
    REGULARS_ASSIGN_OR_RETURN(shards_, log_->ShardsOf(service));
    findings_->Count("shards", shards_);
    program_ = ProgramOf(service);
    OutputAudit outputs(service, findings_);
    for (int32_t shard = 0; shard < shards_; ++shard) {
      REGULARS_ASSIGN_OR_RETURN(const Fold fold, FoldShard(service, shard));
      if (!fold.last) {
        findings_->Wrong("chain_breaks", Cat(fold.Name(), ": no @shard: it was never owned"));
        continue;
      }
      outputs.Promise(fold);
      CheckInvariants(fold, *program_, findings_);
      CheckSums(fold, findings_);
      REGULARS_RETURN_IF_ERROR(CheckGroup(fold));
      REGULARS_RETURN_IF_ERROR(CheckViewOf(fold));
    }
    return ReadOutputs(service, &outputs);
  }

  // A break is looked at twice: Kafka's cleaner may have replaced the log's beginning meanwhile.
  absl::StatusOr<Fold> FoldShard(const std::string& service, int32_t shard) {
    Findings first;
    bool held = false;
    REGULARS_ASSIGN_OR_RETURN(Fold fold, FoldOnce(service, shard, &first, &held));
    if (held) {
      findings_->Merge(first);
      return fold;
    }
    return FoldOnce(service, shard, findings_, &held);
  }

  absl::StatusOr<Fold> FoldOnce(const std::string& service, int32_t shard, Findings* findings,
                                bool* held) {
    const kafka::TopicPartition changelog{log_->Topic(service, events::kChangelogKind), shard};
    std::vector<std::unique_ptr<StoreAudit>> stores;
    REGULARS_RETURN_IF_ERROR(OpenStores(Cat(service, "-", shard), findings, &stores));
    REGULARS_ASSIGN_OR_RETURN(const auto ends, log_->Ends(changelog));
    ChangelogFold fold(service, shard, shards_, changelog.topic, findings);
    absl::Status of_store;
    REGULARS_RETURN_IF_ERROR(
        log_->Read(changelog, ends.low, ends.stable, [&](const kafka::Record& record) {
          for (const auto& store : stores) {
            of_store = store->Before(fold.fold(), record.offset);
            if (!of_store.ok()) return false;
            store->Touched(record.key);
          }
          fold.Add(record);
          return true;
        }));
    *held = fold.Finish();
    for (const auto& store : stores) {
      if (of_store.ok()) of_store = store->Before(fold.fold(), fold.fold().last_offset + 1);
      store->Finish(fold.fold(), findings);
    }
    if (!of_store.ok()) return of_store;
    return fold.Take();
  }

  absl::Status OpenStores(const std::string& name, Findings* findings,
                          std::vector<std::unique_ptr<StoreAudit>>* stores) {
    const auto [begin, end] = stores_.equal_range(name);
    for (auto it = begin; it != end; ++it) {
      absl::StatusOr<std::unique_ptr<store::ReadView>> view;
      for (int i = 0; i < kOpenTries; ++i) {
        view = store::FollowRocksDb(it->second);
        if (view.ok()) break;
        ports_.pause(kOpenPause);  // its writer may just have replaced a file
      }
      if (absl::IsDataLoss(view.status())) {
        findings->Wrong("store_mismatches", Cat(it->second, ": ", view.status().ToString()));
        continue;
      }
      if (!view.ok()) return view.status();
      REGULARS_ASSIGN_OR_RETURN(std::unique_ptr<StoreAudit> audit,
                                StoreAudit::Open(it->second, *std::move(view)));
      stores->push_back(std::move(audit));
    }
    return absl::OkStatus();
  }

  absl::Status CheckGroup(const Fold& fold) {
    for (const char* name : {"group_offsets", "group_offsets_absent", "group_mismatches"}) {
      findings_->Count(name, 0);
    }
    std::vector<kafka::TopicPartition> places;
    for (const auto& input : fold.last->inputs()) places.push_back({input.topic(), fold.shard});
    REGULARS_ASSIGN_OR_RETURN(const auto committed, log_->GroupOffsets(fold.service, places));
    std::map<std::string, int64_t> of_group;
    for (const auto& offset : committed) of_group[offset.topic] = offset.offset;
    for (const auto& input : fold.last->inputs()) {
      const auto found = of_group.find(input.topic());
      if (found == of_group.end() || found->second < 0) {
        // A group that was unused for too long is forgotten by the broker; `@shard` is the truth.
        findings_->Count("group_offsets_absent");
        continue;
      }
      findings_->Count("group_offsets");
      if (found->second == input.to()) continue;
      findings_->Wrong("group_mismatches", Cat(fold.Name(), ": the group is at ", found->second,
                                               " of ", input.topic(), ", @shard at ", input.to()));
    }
    return absl::OkStatus();
  }

  absl::Status CheckViewOf(const Fold& fold) {
    if (ports_.view == nullptr) return absl::OkStatus();
    const redis::ShardId id{fold.service, fold.shard, shards_};
    REGULARS_ASSIGN_OR_RETURN(auto meta, ports_.view->Meta(id));
    while (!ViewLag(*fold.last, meta).empty() && ports_.now() < view_until_) {
      ports_.pause(kViewPause);
      REGULARS_ASSIGN_OR_RETURN(meta, ports_.view->Meta(id));
    }
    REGULARS_ASSIGN_OR_RETURN(const auto dump, ports_.view->Dump(id));
    CheckView(fold, *program_, meta, dump, findings_);
    return absl::OkStatus();
  }

  absl::Status ReadOutputs(const std::string& service, OutputAudit* outputs) {
    REGULARS_ASSIGN_OR_RETURN(const auto topics, log_->Topics());
    std::map<kafka::TopicPartition, int64_t> low;
    for (const std::string_view kind : kOutputKinds) {
      const auto topic = topics.find(log_->Topic(service, kind));
      if (topic == topics.end()) continue;
      for (int32_t partition = 0; partition < topic->second; ++partition) {
        const kafka::TopicPartition place{topic->first, partition};
        REGULARS_ASSIGN_OR_RETURN(const auto ends, log_->Ends(place));
        low[place] = ends.low;
        REGULARS_RETURN_IF_ERROR(
            log_->Read(place, ends.low, ends.stable, [&](const kafka::Record& record) {
              outputs->See(record);
              return true;
            }));
      }
    }
    outputs->Finish(low);
    return absl::OkStatus();
  }

  const VerifyPorts& ports_;
  const VerifyOptions& options_;
  LogReader* const log_;
  const StoreFolders stores_;
  Findings* const findings_;
  int32_t shards_ = 0;
  std::unique_ptr<shard::Program> program_;
  absl::Time view_until_;
};

}  // namespace

absl::Status Verify(const VerifyPorts& ports, const VerifyOptions& options, Findings* findings) {
  REGULARS_ASSIGN_OR_RETURN(StoreFolders stores, FindStores(options.data));
  REGULARS_ASSIGN_OR_RETURN(const std::unique_ptr<LogReader> log,
                            LogReader::Make(ports.log, ports.inspector, options.generation));
  return Verification(ports, options, log.get(), std::move(stores), findings).Run();
}

}  // namespace regulars::ctl
