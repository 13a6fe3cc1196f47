#include "services/identity/shell/matching_section.h"

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "services/identity/match/parameters.h"

namespace regulars::identity {

std::shared_ptr<const match::Matcher> ReadMatching(config::Section* identity,
                                                   const LinkRules& links) {
  std::optional<config::Section> own = identity->Child("matching");
  if (!own.has_value()) return nullptr;
  const std::string path = own->Text("parameters_file");
  if (!links.enabled) own->Problem("parameters_file", "candidates are for merges: linking is off");
  std::shared_ptr<const match::Matcher> matcher;
  if (std::ifstream file(path, std::ios::binary); !path.empty() && file.good()) {
    const std::string json((std::istreambuf_iterator<char>(file)), {});
    absl::StatusOr<match::Parameters> parameters = match::ParseParameters(json);
    if (parameters.ok()) {
      matcher = std::make_shared<const match::Matcher>(*std::move(parameters));
    } else {
      own->Problem("parameters_file", std::string(parameters.status().message()));
    }
  } else if (!path.empty()) {
    own->Problem("parameters_file", "cannot be read");
  }
  own->Finish();
  return matcher;
}

}  // namespace regulars::identity
