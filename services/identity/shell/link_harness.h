// Two instances of identity on one log in memory, each with its worker and a real gRPC server: a
// member, the one it is merged with, and the instance that is called may be three places. Pools:
// `tea` links and looks for candidates, `cafe` does neither. Keys: "staff" may link members, "till"
// may not; "privacy" has the rights of PrivacyService.
#ifndef REGULARS_SERVICES_IDENTITY_SHELL_LINK_HARNESS_H_
#define REGULARS_SERVICES_IDENTITY_SHELL_LINK_HARNESS_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "libs/base/hash.h"
#include "libs/base/placement.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "libs/events/headers.h"
#include "libs/events/types.h"
#include "libs/kafka/fake_log.h"
#include "libs/model/hashed_id.h"
#include "libs/model/identifier.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/server.h"
#include "libs/rpc/status.h"
#include "libs/seal/crypto.h"
#include "libs/seal/envelope.h"
#include "libs/seal/transport_keys.h"
#include "libs/service/gateway.h"
#include "libs/service/worker_thread.h"
#include "libs/store/memory_store.h"
#include "regulars/ingest/v1/ingest_events.pb.h"
#include "regulars/ingest/v1/ingest_service.pb.h"
#include "services/identity/codec/identity_program.h"
#include "services/identity/match/match_samples.h"
#include "services/identity/shell/candidate_service.h"
#include "services/identity/shell/identity_service.h"
#include "services/identity/shell/link_peer_service.h"
#include "services/identity/shell/link_service.h"
#include "services/identity/shell/privacy_peer_service.h"
#include "services/identity/shell/privacy_service.h"

namespace regulars::identity {

inline constexpr int32_t kTestShards = 4;

inline std::string KeyLine(const std::string& id, const std::string& pool,
                           const std::string& more) {
  const std::string key = Cat(pool, "-", id);
  return Cat(id, " ", pool, " ", absl::BytesToHexString(seal::Sha256(key)), more, "\n");
}

// What the instances share.
struct World {
  World()
      : log({.blocking = true}),
        logger(log::Logger::Silent()),
        pepper(*seal::Pepper::Parse(SealKeyLine("p1", 'p'), "tea")),
        transport_keys(*seal::TransportKeys::Parse(SealKeyLine("transport/2020-01-01", 't'))),
        wrapper(*seal::KeyRing::Parse(SealKeyLine("k1", 'k'))) {
    options.pool_links["tea"].enabled = true;
    options.vault_keys["tea"] = {transport_keys.get(), &wrapper, &pepper};
    options.matchers["tea"] = std::make_shared<const match::Matcher>(match::SampleParameters());
    for (const char* topic : {"ingest.touches", "identity.events", "identity.links",
                              "identity.changelog", "identity.commands", "identity.dlq"}) {
      EXPECT_TRUE(log.CreateTopic(Cat("regulars.", topic, ".v1.g1"), kTestShards).ok());
    }
    EXPECT_TRUE(log.CreateTopic("regulars.identity.owners.v1.g1", 1).ok());
    producer = *log.NewProducer();
  }

  static rpc::ApiKeys Keys() {
    rpc::ApiKeys keys;
    for (const char* pool : {"tea", "cafe"}) {
      EXPECT_TRUE(keys.Add(KeyLine("staff", pool, " link-members") + KeyLine("till", pool, "") +
                           KeyLine("privacy", pool, " resolve-contact,export-member,erase-member"))
                      .ok());
    }
    return keys;
  }

  static std::string SealKeyLine(const std::string& id, char fill) {
    return Cat(id, " ", absl::Base64Escape(std::string(32, fill)), "\n");
  }

  kafka::FakeLog log;
  log::Logger logger;
  seal::Pepper pepper;
  std::unique_ptr<seal::TransportKeys> transport_keys;
  seal::KeyFileWrapper wrapper;
  IdentityOptions options;
  std::unique_ptr<kafka::Producer> producer;
};

class Instance {
 public:
  Instance(World* world, int32_t slot)
      : process_(world->log.ForProcess(Cat("identity-", slot))),
        program_(world->options),
        edge_(World::Keys(), &metrics_, &world->logger),
        owners_(process_.get(), &world->logger, "regulars.identity.owners.v1.g1"),
        gateway_(Placement(kTestShards), &owners_, {}),
        reads_(&edge_, &gateway_, PepperIn(world), Spelling()),
        links_(&edge_, &gateway_, PepperIn(world), Spelling()),
        peers_(&edge_, &gateway_),
        candidates_(&edge_, &gateway_),
        privacy_(&edge_, &gateway_, PepperIn(world)),
        privacy_peers_(&edge_, &gateway_, PepperIn(world)) {
    auto started =
        rpc::Server::Start(rpc::ServerOptions{},
                           {&reads_, &links_, &peers_, &candidates_, &privacy_, &privacy_peers_});
    EXPECT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
    const std::string address = Cat("127.0.0.1:", server_->port());
    channel_ = *rpc::MakeChannel(address, {}, false);
    shard::WorkerOptions options;
    options.shard_count = kTestShards;
    options.slot = slot;
    options.address = address;
    options.pools = {{"tea", shard::PoolClock::kLive}, {"cafe", shard::PoolClock::kLive}};
    options.check_invariants_every = 1;
    worker_ = std::make_unique<service::WorkerThread>(
        std::make_unique<shard::Worker>(&program_, options, Ports()), &world->logger, [] {});
    gateway_.Attach(Cat("identity-", slot), address, worker_->worker());
  }
  ~Instance() {
    server_->Shutdown(kMicrosPerSecond);
    gateway_.DetachAll();
    worker_->Stop();
  }

  std::unique_ptr<v1::IdentityService::Stub> Reads() {
    return v1::IdentityService::NewStub(channel_);
  }
  std::unique_ptr<v1::LinkService::Stub> Links() { return v1::LinkService::NewStub(channel_); }
  std::unique_ptr<v1::CandidateService::Stub> Candidates() {
    return v1::CandidateService::NewStub(channel_);
  }
  std::unique_ptr<v1::PrivacyService::Stub> Privacy() {
    return v1::PrivacyService::NewStub(channel_);
  }
  std::unique_ptr<v1::PrivacyPeerService::Stub> PrivacyPeers() {
    return v1::PrivacyPeerService::NewStub(channel_);
  }
  service::Gateway* gateway() { return &gateway_; }

 private:
  static PepperOf PepperIn(World* world) {
    return [world](const std::string& pool) { return pool == "tea" ? &world->pepper : nullptr; };
  }
  static SpellingOf Spelling() {
    return [](const std::string&) { return nullptr; };
  }
  shard::WorkerPorts Ports() {
    shard::WorkerPorts ports;
    ports.log = process_.get();
    ports.stores = &stores_;
    ports.probe = &probe_;
    ports.wall_us = WallMicros;
    ports.steady_us = MonotonicMicros;
    ports.pause = [](absl::Duration) { std::this_thread::yield(); };
    ports.new_log_id = [] { return std::string("log"); };
    ports.seal = [](std::string_view, std::string_view) { return types::v1::Sealed(); };
    return ports;
  }

  std::unique_ptr<kafka::Log> process_;
  store::MemoryStoreFactory stores_;
  shard::WorkerProbe probe_;
  metrics::Registry metrics_;
  const IdentityProgram program_;
  rpc::Edge edge_;
  service::Owners owners_;
  service::Gateway gateway_;
  IdentityService reads_;
  LinkService links_;
  LinkPeerService peers_;
  CandidateService candidates_;
  PrivacyService privacy_;
  PrivacyPeerService privacy_peers_;
  std::unique_ptr<rpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<service::WorkerThread> worker_;
};

class LinkServers : public testing::Test {
 protected:
  static std::unique_ptr<grpc::ClientContext> Context(const std::string& key = "tea-staff") {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    if (!key.empty()) context->AddMetadata("authorization", Cat("Bearer ", key));
    return context;
  }

  // "card:ann" -> the identifier as a caller names it, and as ingest writes it; "customer:bob?" is
  // not proved.
  static types::v1::ClearIdentifier Clear(std::string text) {
    if (text.back() == '?') text.pop_back();
    types::v1::ClearIdentifier id;
    id.set_type(text.substr(0, text.find(':')));
    id.set_value(text.substr(text.find(':') + 1));
    return id;
  }
  types::v1::Identifier Hidden(const std::string& text) const {
    types::v1::Identifier id;
    id.set_type(Clear(text).type());
    id.set_hmac(world_.pepper.Hmac(id.type(), "", Clear(text).value()));
    id.set_class_(id.type() == "card" ? types::v1::IDENTIFIER_CLASS_UNIQUE
                                      : types::v1::IDENTIFIER_CLASS_STRONG);
    id.set_verified(text.back() != '?');
    if (id.verified()) id.set_verified_by("shop");
    return id;
  }

  // A touch that names these identifiers; the first is the pivot. Contact data as ingest seals it.
  void Touch(const std::string& names, const ingest::v1::ContactDetails& contact = {}) {
    ingest::v1::TouchReceived received;
    ingest::v1::Touch& touch = *received.mutable_touch();
    const std::string native_id = Cat("n", ++touches_);
    touch.set_touch_id(model::TouchId("till", native_id));
    touch.set_source("till");
    touch.set_native_id(native_id);
    touch.set_occurred_us(WallMicros());
    touch.set_channel("store");
    touch.mutable_body()->mutable_visit()->set_place("door");
    std::istringstream words(names);
    for (std::string word; words >> word;) *touch.add_identifiers() = Hidden(word);
    if (const std::string bytes = contact.SerializeAsString(); !bytes.empty()) {
      const auto box = world_.transport_keys->Seal(bytes, "tea/contact", touch.occurred_us());
      ASSERT_TRUE(box.ok());
      touch.mutable_contact()->set_key_id(box->key_id);
      touch.mutable_contact()->set_nonce(box->nonce);
      touch.mutable_contact()->set_ciphertext(box->ciphertext);
    }
    const std::string pivot = model::IdentifierKey(touch.identifiers(0).hmac());
    kafka::OutRecord record;
    record.topic = "regulars.ingest.touches.v1.g1";
    record.partition = ShardOf(Bucket("tea", pivot), kTestShards);
    record.key = pivot;
    record.value = received.SerializeAsString();
    record.headers = events::ToHeaders({.type = events::kTouchReceived,
                                        .id = touch.touch_id(),
                                        .source = "/regulars/ingest",
                                        .subject = pivot,
                                        .time_us = touch.occurred_us(),
                                        .pool = "tea",
                                        .shard = events::kIngestShard,
                                        .traceparent = {}});
    ASSERT_TRUE(world_.producer->Produce(record, [](const auto&) {}).ok());
    ASSERT_TRUE(world_.producer->Flush(absl::Seconds(1)).ok());
  }

  // Asks until it is true; each question waits for a commit of the owner.
  static bool Until(const std::function<bool()>& condition) {
    const Micros limit = MonotonicMicros() + 20 * kMicrosPerSecond;
    while (MonotonicMicros() < limit) {
      if (condition()) return true;
      std::this_thread::yield();
    }
    return false;
  }

  // The resource name of the member that the identifier leads to, as its own entity knows it too.
  std::string MemberOf(const std::string& text) {
    v1::LookupMemberRequest request;
    request.set_parent("pools/tea");
    *request.mutable_identifier() = Clear(text);
    v1::LookupMemberResponse found;
    EXPECT_TRUE(Until([&] {
      v1::GetMemberRequest get;
      v1::Member member;
      if (!one_.Reads()->LookupMember(Context().get(), request, &found).ok()) return false;
      get.set_name(found.member());
      return two_.Reads()->GetMember(Context().get(), get, &member).ok();
    })) << text;
    return found.member();
  }
  bool Same(const std::string& a, const std::string& b) {
    return Until([&] { return MemberOf(a) == MemberOf(b); });
  }
  bool Apart(const std::string& a, const std::string& b) {
    return Until([&] { return MemberOf(a) != MemberOf(b); });
  }

  World world_;
  Instance one_{&world_, 0};
  Instance two_{&world_, 1};

 private:
  int touches_ = 0;
};

}  // namespace regulars::identity

#endif  // REGULARS_SERVICES_IDENTITY_SHELL_LINK_HARNESS_H_
