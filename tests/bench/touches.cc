// Paid orders through RecordTouches at full rate, or at so many a second: some streams, each with a
// window below the 1,000 that ingest allows. A touch that is refused for want of room is sent
// again; any other refusal is a failure. Every touch is a new order; customers take turns in a
// fixed, shuffled order.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "regulars/ingest/v1/ingest_service.grpc.pb.h"
#include "tests/bench/orders.h"
#include "tests/bench/verbs.h"

namespace regulars::bench {
namespace {

constexpr size_t kWindow = 900;
constexpr std::chrono::milliseconds kRetryPause(20);
constexpr std::chrono::milliseconds kTick(2);
constexpr int64_t kAmountMin = 100;
constexpr uint64_t kAmountRange = 20'000;

struct Plan {
  std::string parent, run, key;
  int64_t touches = 0;
  int64_t customers = 0;
  int64_t streams = 0;
  double rate = 0;  // of all streams together, per second; 0 = as many as go
  int64_t start_us = 0;
};

int64_t AmountOf(int64_t number) {
  return kAmountMin + static_cast<int64_t>(Mix(static_cast<uint64_t>(number)) % kAmountRange);
}

ingest::v1::RecordTouchesRequest RequestOf(const Plan& plan, int64_t number) {
  const auto customer =
      static_cast<int64_t>(Mix(static_cast<uint64_t>(number)) >> 16) % plan.customers;
  ingest::v1::RecordTouchesRequest request;
  request.set_sequence(number);
  request.set_parent(plan.parent);
  auto* touch = request.mutable_touch();
  touch->set_source("bench");
  touch->set_native_id(Cat(plan.run, "-", number));
  const int64_t now_us = WallMicros();
  touch->mutable_occur_time()->set_seconds(now_us / 1'000'000);
  touch->mutable_occur_time()->set_nanos(static_cast<int32_t>(now_us % 1'000'000 * 1000));
  touch->set_channel("web");
  auto* identifier = touch->add_identifiers();
  identifier->set_type("customer");
  identifier->set_scope("bench");
  identifier->set_value(Cat(plan.run, "-c", customer));
  auto* paid = touch->mutable_body()->mutable_order_paid();
  paid->set_order_id(Cat(plan.run, "-", number));
  paid->set_amount_minor(AmountOf(number));
  paid->set_currency_code("USD");
  paid->add_lines()->set_quantity(1);
  return request;
}

// One stream: touches `first`, `first + streams`, ...; a writing thread and a reading one.
class Sender {
 public:
  Sender(const Plan& plan, int64_t first, const std::shared_ptr<grpc::Channel>& channel)
      : plan_(plan), next_(first), stub_(ingest::v1::IngestService::NewStub(channel)) {
    context_.AddMetadata("authorization", plan.key);
    for (int64_t number = first; number < plan.touches; number += plan.streams) ++open_;
    stream_ = stub_->RecordTouches(&context_);
    reader_ = std::thread([this] { ReadAnswers(); });
    writer_ = std::thread([this] { WriteTouches(); });
  }

  void Join() {
    writer_.join();
    reader_.join();
    const grpc::Status status = stream_->Finish();
    if (!status.ok()) Fail(Cat("the stream broke: ", status.error_message()));
  }

  int64_t sent_again() const { return sent_again_; }

 private:
  // Touches with smaller numbers may be sent by now.
  int64_t Due() const {
    if (plan_.rate <= 0) return plan_.touches;
    const double elapsed_s = static_cast<double>(MonotonicMicros() - plan_.start_us) / 1e6;
    return std::min(plan_.touches, static_cast<int64_t>(elapsed_s * plan_.rate));
  }

  // The numbers to send now; empty at the end.
  std::vector<int64_t> Take() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      turn_.wait(lock, [this] {
        return open_ == 0 || (flying_ <= kWindow / 2 && (!again_.empty() || next_ < plan_.touches));
      });
      std::vector<int64_t> numbers = TakeDue();
      if (!numbers.empty() || open_ == 0) return numbers;
      turn_.wait_for(lock, kTick);
    }
  }

  std::vector<int64_t> TakeDue() {
    const int64_t due = Due();
    std::vector<int64_t> numbers;
    while (flying_ < kWindow && open_ > 0) {
      if (!again_.empty()) {
        numbers.push_back(again_.front());
        again_.pop_front();
      } else if (next_ < due) {
        numbers.push_back(next_);
        next_ += plan_.streams;
      } else {
        break;
      }
      ++flying_;
    }
    return numbers;
  }

  void WriteTouches() {
    while (true) {
      const std::vector<int64_t> numbers = Take();
      if (numbers.empty()) break;
      for (size_t i = 0; i < numbers.size(); ++i) {
        grpc::WriteOptions options;
        if (i + 1 < numbers.size()) options.set_buffer_hint();
        if (!stream_->Write(RequestOf(plan_, numbers[i]), options)) Fail("ingest ended the stream");
      }
    }
    stream_->WritesDone();
  }

  void ReadAnswers() {
    ingest::v1::RecordTouchesResponse answer;
    while (stream_->Read(&answer)) {
      const int code = answer.status().code();
      const bool full =
          code == grpc::StatusCode::RESOURCE_EXHAUSTED || code == grpc::StatusCode::UNAVAILABLE;
      if (code != 0 && !full) Fail(Cat("refused: ", answer.status().message()));
      if (full) std::this_thread::sleep_for(kRetryPause);
      const std::lock_guard<std::mutex> lock(mutex_);
      --flying_;
      if (full) {
        ++sent_again_;
        again_.push_back(answer.sequence());
      } else {
        --open_;
      }
      if (flying_ <= kWindow / 2 || open_ == 0) turn_.notify_one();
    }
  }

  const Plan& plan_;
  std::mutex mutex_;
  std::condition_variable turn_;
  int64_t next_;
  int64_t open_ = 0;  // not acknowledged
  size_t flying_ = 0;
  std::deque<int64_t> again_;
  int64_t sent_again_ = 0;
  grpc::ClientContext context_;
  std::unique_ptr<ingest::v1::IngestService::Stub> stub_;
  std::unique_ptr<
      grpc::ClientReaderWriter<ingest::v1::RecordTouchesRequest, ingest::v1::RecordTouchesResponse>>
      stream_;
  std::thread reader_, writer_;
};

}  // namespace

void Touches(const Flags& flags) {
  const Plan plan{.parent = Cat("pools/", flags.Text("pool")),
                  .run = flags.Text("run"),
                  .key = Cat("Bearer ", flags.Text("api-key")),
                  .touches = flags.Number("touches"),
                  .customers = flags.Number("customers"),
                  .streams = flags.NumberOr("streams", 4),
                  .rate = flags.RealOr("rate", 0),
                  .start_us = MonotonicMicros()};
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const auto channel = grpc::CreateCustomChannel(flags.Text("address"),
                                                 grpc::InsecureChannelCredentials(), arguments);
  std::vector<std::unique_ptr<Sender>> senders;
  for (int64_t i = 0; i < plan.streams; ++i) {
    senders.push_back(std::make_unique<Sender>(plan, i, channel));
  }
  int64_t sent_again = 0;
  for (const auto& sender : senders) {
    sender->Join();
    sent_again += sender->sent_again();
  }
  const double seconds = static_cast<double>(MonotonicMicros() - plan.start_us) / 1e6;
  int64_t points = 0;
  for (int64_t number = 0; number < plan.touches; ++number) points += AmountOf(number) / 100;
  Answer answer;
  answer.Add("touches", plan.touches);
  answer.Add("points", points);
  answer.Add("sent_again", sent_again);
  answer.AddReal("seconds", seconds);
  answer.Print();
}

}  // namespace regulars::bench
