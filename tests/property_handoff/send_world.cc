#include "tests/property_handoff/send_world.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "libs/base/assert.h"
#include "libs/base/hash.h"
#include "libs/base/text.h"
#include "libs/events/types.h"
#include "regulars/messaging/v1/messaging_events.pb.h"
#include "regulars/messaging/v1/messaging_service.pb.h"
#include "regulars/segmentation/v1/segmentation_events.pb.h"
#include "services/messaging/kernel/send_book.h"

namespace regulars::property_handoff {
namespace {

namespace v1 = messaging::v1;

constexpr std::string_view kCampaign = "win-back";
constexpr std::string_view kPool = "cofco";

template <typename M>
M Parsed(const std::string& bytes) {
  M message;
  REGULARS_ASSERT(message.ParseFromString(bytes), "it does not parse");
  return message;
}

bool IsReported(const v1::SendDecided& job, const std::string& job_id, uint64_t salt) {
  const bool first = job_id == job.idempotency_key();
  const bool chosen = job.occurrence_us() == kPosted;
  switch (salt) {
    case kNoReports:
      return false;
    case kEveryJob:
      return chosen;
    case kFirstJobs:
      return chosen && first;
    case kMovedJobs:
      return chosen && !first;
    default:
      return Xxh3(Cat(salt, job_id)) % 3 == 0;
  }
}

// The sender: a job that is posted is reported some time.
void Post(const shard::Publish& published, Follower* world) {
  if (published.kind != events::kSendsKind) return;
  const auto job = Parsed<v1::SendDecided>(published.payload);
  if (job.withdrawn() || !IsReported(job, published.id, world->salt)) return;
  v1::DeliveryReported report;
  report.set_send_id(job.send_id());
  report.set_member(job.member());
  report.set_origin_member(job.origin_member());
  report.set_delivered(true);
  report.set_attempts(1);
  report.set_finished_us(kStartUs);
  world->Record("report", job.member(), events::kDeliveryReported, Cat(published.id, "/report"),
                report.SerializeAsString());
}

std::vector<v1::SendState> StatesOf(const Follower& world, const std::string& member) {
  std::vector<v1::SendState> sends;
  for (const auto& [sub, value] : world.State(member).values) {
    if (sub.starts_with(messaging::kSendPrefix)) sends.push_back(Parsed<v1::SendState>(value));
  }
  return sends;
}

bool IsOver(const v1::SendState& send) { return send.status() != v1::SEND_STATUS_DECIDED; }

std::string Final(const Follower& world) {
  std::string text;
  for (const std::string& member : world.Members()) {
    if (!SendRoot(world, member).survivor().empty()) {
      Append(&text, member, " is an alias\n");
      continue;
    }
    Append(&text, member);
    for (const v1::SendState& send : StatesOf(world, member)) {
      Append(&text, " ", messaging::OriginOf(send.decision()), "/", send.decision().send_id());
    }
    text.push_back('\n');
  }
  return text;
}

using Jobs = std::map<std::string, std::map<std::string, int>>;  // by key: members who have it

// Every job goes out under the key that its origin makes.
std::string ReadJobs(const Follower& world, Jobs* jobs, std::set<std::string>* reported) {
  for (const shard::Publish& out : world.published) {
    if (out.kind != events::kSendsKind) continue;
    const auto job = Parsed<v1::SendDecided>(out.payload);
    const std::string& key = job.idempotency_key();
    const std::string& origin = messaging::OriginOf(job);
    if (key != messaging::IdempotencyKey({std::string(kPool), origin, 0}, job.send_id())) {
      return Cat(out.id, " goes out under another key");
    }
    if (job.member() != out.entity) return Cat(out.id, " goes to another partition");
    int& live = (*jobs)[key][job.member()];
    live += job.withdrawn() ? -1 : 1;
    // Who is told twice may decide again where a job was posted before.
    if (live < 0 || (live > 1 && !world.ids_may_repeat)) return Cat(out.id, " has ", live, " jobs");
    if (!job.withdrawn() && IsReported(job, out.id, world.salt)) reported->insert(key);
  }
  for (auto& [key, members] : *jobs) {
    std::erase_if(members, [](const auto& entry) { return entry.second == 0; });
  }
  return "";
}

std::string CheckJob(const v1::SendState& send, const std::map<std::string, int>& live,
                     const std::string& member, bool reported) {
  const std::string name = Cat(member, "/", send.decision().send_id());
  if (IsOver(send)) return reported ? "" : Cat(name, " is over and nobody reported it");
  if (reported) return Cat(name, " was reported and is open");
  const bool one = live == std::map<std::string, int>{{member, 1}};
  return one ? "" : Cat(name, " is open without a job of its own");
}

// A provider's own report of it was accepted.
bool IsTold(const Follower& world, const v1::SendDecided& decision) {
  const std::string told = Cat(decision.send_id(), "/told/");
  const std::string at = Cat("@", messaging::OriginOf(decision));
  return std::any_of(world.accepted.begin(), world.accepted.end(), [&](const auto& answer) {
    return answer.second == "yes" && answer.first.starts_with(told) && answer.first.ends_with(at);
  });
}

std::string CheckSums(const Follower& world) {
  std::map<std::string, int64_t> sums;
  for (const std::string& member : world.Members()) {
    const v1::MessagingRoot root = SendRoot(world, member);
    if (root.pending_reports() != 0) return Cat(member, " has a report that waits");
    if (!root.survivor().empty() && root.decided() != 0) return Cat(member, " kept sends");
    sums["sends_decided"] += root.decided();
    sums["sends_delivered"] += root.delivered();
    sums["sends_failed"] += root.failed();
    sums["sends_moved_in"] += root.sends_moved_in();
    sums["sends_moved_out"] += root.sends_moved_out();
  }
  for (const auto& [name, value] : sums) {
    if (world.Sum(name) != value) return Cat(name, " is ", world.Sum(name), ", not ", value);
  }
  return sums["sends_moved_in"] == sums["sends_moved_out"] ? "" : "moved in is not moved out";
}

std::string CheckQuiet(const Follower& world) {
  if (std::string wrong = CheckSums(world); !wrong.empty()) return wrong;
  Jobs jobs;
  std::set<std::string> reported;
  if (std::string wrong = ReadJobs(world, &jobs, &reported); !wrong.empty()) return wrong;
  std::set<std::string> sends;
  for (const std::string& member : world.Members()) {
    for (const v1::SendState& send : StatesOf(world, member)) {
      const v1::SendDecided& decision = send.decision();
      const std::string& key = decision.idempotency_key();
      if (decision.member() != member) return Cat(member, " has a send of ", decision.member());
      if (!sends.insert(key).second) return Cat(decision.send_id(), " is there twice");
      const bool told = reported.contains(key) || IsTold(world, decision);
      if (auto wrong = CheckJob(send, jobs[key], member, told); !wrong.empty()) return wrong;
    }
  }
  return sends.size() == jobs.size() ? "" : "a send is lost";
}

}  // namespace

Follower SendMembers(int page, uint64_t reports) {
  static auto* programs = new std::map<int, std::unique_ptr<messaging::MessagingProgram>>();
  auto& program = (*programs)[page];
  if (program == nullptr) {
    messaging::MessagingConfig config;
    config.default_campaigns = {
        {.id = std::string(kCampaign), .segment = "lapsed", .template_name = "t"}};
    messaging::MoveLimits limits;
    limits.sends = static_cast<size_t>(page);
    program = std::make_unique<messaging::MessagingProgram>(config, limits);
  }
  Follower world(program.get(), Post);
  world.salt = reports;
  return world;
}

void Lapse(Follower* world, const std::string& member, int64_t occurrence_us, bool continues) {
  segmentation::v1::SegmentEntered event;
  event.set_member(member);
  event.set_segment("lapsed");
  event.set_occurrence_us(occurrence_us);
  if (continues) {
    event.set_continues_member("m_x");
    event.set_continues_occurrence_us(1);
  }
  world->Record("entry", member, events::kSegmentEntered, Cat(member, "/lapsed/", occurrence_us),
                event.SerializeAsString());
}

void Delivered(Follower* world, const std::string& member, int64_t occurrence_us, int64_t n) {
  v1::ReportDeliveryRequest request;
  const std::string send_id = messaging::SendId(kCampaign, occurrence_us);
  request.set_name(Cat("pools/", kPool, "/members/", member, "/sends/", send_id));
  request.set_outcome(v1::DELIVERY_OUTCOME_DELIVERED);
  world->Command("provider", member, messaging::kReportDelivery, Cat(send_id, "/told/", n),
                 request.SerializeAsString());
}

v1::MessagingRoot SendRoot(const Follower& world, const std::string& member) {
  const auto bytes = world.State(member).Get("");
  return bytes.has_value() ? Parsed<v1::MessagingRoot>(*bytes) : v1::MessagingRoot();
}

std::string SendsOf(const Follower& world, const std::string& member) {
  std::string text;
  for (const v1::SendState& send : StatesOf(world, member)) {
    const v1::SendDecided& decision = send.decision();
    Append(&text, text.empty() ? "" : " ", messaging::OriginOf(decision), ":",
           decision.occurrence_us(), IsOver(send) ? "+" : "");
  }
  return text;
}

std::string LiveJobs(const Follower& world) {
  std::map<std::string, int> live;
  for (const shard::Publish& out : world.published) {
    if (out.kind != events::kSendsKind) continue;
    const auto job = Parsed<v1::SendDecided>(out.payload);
    live[Cat(job.member(), " ", messaging::OriginOf(job), ":", job.occurrence_us())] +=
        job.withdrawn() ? -1 : 1;
  }
  std::string text;
  for (const auto& [job, count] : live) {
    if (count != 0) Append(&text, text.empty() ? "" : ", ", job, count == 1 ? "" : "?");
  }
  return text;
}

Ending SendEnding() { return {.final = Final, .wrong = CheckQuiet}; }

}  // namespace regulars::property_handoff
