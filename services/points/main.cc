// regulars-points: keeps every member's points. Configuration, wiring, run.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/service/service.h"
#include "services/points/codec/points_program.h"
#include "services/points/shell/points_service.h"
#include "services/points/shell/program_section.h"

namespace points = regulars::points;
namespace service = regulars::service;

int main(int argc, char** argv) {
  std::map<std::string, points::ProgramConfig> programs;
  service::Spec spec;
  spec.name = "points";
  spec.purpose = "Keeps the points ledger of every member.";
  spec.read_pool = [&](const service::PoolConfig& pool, regulars::config::Section* section) {
    if (std::optional<points::ProgramConfig> program = points::ReadProgram(section)) {
      programs[pool.name] = *std::move(program);
    }
  };
  spec.make_program = [&](service::Process&) {
    return std::make_unique<points::PointsProgram>(programs);
  };
  spec.make_services = [](service::Process& process) {
    std::vector<std::unique_ptr<grpc::Service>> services;
    services.push_back(std::make_unique<points::PointsService>(process.edge(), process.gateway(),
                                                               &process.metrics()));
    return services;
  };
  return service::Run(std::move(spec), argc, argv);
}
