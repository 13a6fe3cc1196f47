#include "services/points/shell/program_section.h"

#include <string>

#include "libs/base/text.h"

namespace regulars::points {

std::optional<ProgramConfig> ReadProgram(config::Section* pool) {
  std::optional<config::Section> section = pool->Child("points");
  if (!section) return std::nullopt;
  ProgramConfig program;
  program.program = section->Text("program", program.program);
  program.points_numerator = section->Int("points", 1, kRatePointsMax, program.points_numerator);
  program.points_denominator =
      section->Int("per_units", 1, kRateUnitsMax, program.points_denominator);
  section->Choice("rounding", {"floor"}, "floor");
  program.rounding = Rounding::kFloor;
  program.expiry_days = section->Int("expiry_days", 1, kExpiryDaysMax, program.expiry_days);
  if (const absl::Status valid = ProgramConfig{.program = program.program}.Validate();
      !valid.ok()) {
    section->Problem("program", std::string(valid.message()));
  }
  section->Finish();
  return program;
}

}  // namespace regulars::points
