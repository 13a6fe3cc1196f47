// regulars-segmentation: who is in which segment, and why. README.md says what it keeps.
#include <memory>
#include <string>
#include <utility>

#include "libs/service/service.h"
#include "services/segmentation/codec/program.h"
#include "services/segmentation/shell/rules_section.h"
#include "services/segmentation/shell/segmentation_service.h"

int main(int argc, char** argv) {
  namespace service = regulars::service;
  namespace segmentation = regulars::segmentation;

  segmentation::SegmentationConfig config;
  service::Spec spec;
  spec.name = "segmentation";
  spec.purpose = "Says which members are in which segment.";
  spec.read_pool = [&](const service::PoolConfig& pool, regulars::config::Section* section) {
    config.pools[pool.name] = segmentation::ReadRules(section);
  };
  spec.make_program =
      [&](service::Process&) -> absl::StatusOr<std::unique_ptr<regulars::shard::Program>> {
    return std::make_unique<segmentation::SegmentationProgram>(config);
  };
  spec.make_services = [&](service::Process& process) -> absl::StatusOr<service::GrpcServices> {
    service::GrpcServices services;
    services.push_back(std::make_unique<segmentation::SegmentationService>(
        process.edge(), process.gateway(),
        [&config](const std::string& pool) { return config.pools.at(pool); }));
    return services;
  };
  return service::Run(std::move(spec), argc, argv);
}
