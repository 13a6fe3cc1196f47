#include "services/ingest/shell/pool_section.h"

#include <map>
#include <string>
#include <string_view>

#include "libs/base/text.h"
#include "libs/model/identifier.h"

namespace regulars::ingest {

void ReadIdentifierClasses(config::Section* ingest, PoolRules* rules) {
  static constexpr char kField[] = "identifier_classes";
  const std::map<std::string_view, types::v1::IdentifierClass> classes = {
      {"unique", types::v1::IDENTIFIER_CLASS_UNIQUE},
      {"strong", types::v1::IDENTIFIER_CLASS_STRONG},
      {"weak", types::v1::IDENTIFIER_CLASS_WEAK},
      {"object", types::v1::IDENTIFIER_CLASS_OBJECT},
      {"blocked", types::v1::IDENTIFIER_CLASS_BLOCKED},
  };
  const std::vector<std::string> entries = ingest->Texts(kField);
  if (entries.size() > kIdentifierClassesMax) {
    return ingest->Problem(kField, Cat("at most ", kIdentifierClassesMax, " types"));
  }
  for (const std::string& entry : entries) {
    const size_t at = entry.find('=');
    const std::string type = entry.substr(0, at);
    const auto found = at == std::string::npos ? classes.end() : classes.find(entry.substr(at + 1));
    if (found == classes.end() || !model::IsIdentifierType(type)) {
      ingest->Problem(kField, "each is <type>=unique, strong, weak, object or blocked");
      continue;
    }
    rules->classes[type] = found->second;
  }
}

}  // namespace regulars::ingest
