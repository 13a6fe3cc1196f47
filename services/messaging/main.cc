// regulars-messaging: who gets a message, and its delivery. README.md says what it keeps.
#include <memory>
#include <utility>

#include "libs/base/status.h"
#include "libs/service/service.h"
#include "services/messaging/codec/program.h"
#include "services/messaging/shell/campaign_section.h"
#include "services/messaging/shell/messaging_service.h"
#include "services/messaging/shell/sender_thread.h"

int main(int argc, char** argv) {
  namespace service = regulars::service;
  namespace messaging = regulars::messaging;

  messaging::MessagingConfig config;
  messaging::SenderSettings sender;
  std::unique_ptr<messaging::SenderThread> thread;
  service::Spec spec;
  spec.name = "messaging";
  spec.purpose = "Decides and delivers messages to members.";
  spec.add_options = [&](regulars::config::Options* options) { sender.Declare(options); };
  spec.read_pool = [&](const service::PoolConfig& pool, regulars::config::Section* section) {
    config.pools[pool.name] = messaging::ReadCampaigns(section);
  };
  spec.make_program =
      [&](service::Process&) -> absl::StatusOr<std::unique_ptr<regulars::shard::Program>> {
    return std::make_unique<messaging::MessagingProgram>(config);
  };
  spec.make_services = [&](service::Process& process) -> absl::StatusOr<service::GrpcServices> {
    service::GrpcServices services;
    services.push_back(
        std::make_unique<messaging::MessagingService>(process.edge(), process.gateway()));
    return services;
  };
  spec.start = [&](service::Process& process) -> absl::Status {
    if (!sender.enabled()) return absl::OkStatus();
    REGULARS_ASSIGN_OR_RETURN(
        const messaging::SenderOptions options,
        sender.Make(process.config().generation, static_cast<int32_t>(process.config().slot)));
    thread = std::make_unique<messaging::SenderThread>(&process.metrics(), &process.logger());
    return thread->Start(&process.log(), options);
  };
  spec.drain = [&](service::Process&) { thread.reset(); };
  return service::Run(std::move(spec), argc, argv);
}
