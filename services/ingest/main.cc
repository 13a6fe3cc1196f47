// regulars-ingest: the door for touches. Configuration in, parts together, run.
#include "libs/service/service.h"
#include "services/ingest/shell/parts.h"

int main(int argc, char** argv) {
  namespace service = regulars::service;
  regulars::ingest::Parts parts;  // outlives everything that Run makes
  service::Spec spec;
  spec.name = "ingest";
  spec.purpose = "Takes touches, hides what is personal, and sees them into the log.";
  spec.add_options = [&parts](regulars::config::Options* options) { parts.AddOptions(options); };
  spec.read_pool = [&parts](const service::PoolConfig& pool, regulars::config::Section* section) {
    parts.ReadPool(pool, section);
  };
  spec.make_services = [&parts](service::Process& process) { return parts.Make(&process); };
  spec.promised_clock = [&parts](const std::string& pool) { return parts.Clock(pool); };
  spec.start = [&parts](service::Process& process) { return parts.Start(&process); };
  spec.ready = [&parts] { return parts.Ready(); };
  spec.drain = [&parts](service::Process& process) { parts.Drain(&process); };
  return service::Run(std::move(spec), argc, argv);
}
