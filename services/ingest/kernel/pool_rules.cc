#include "services/ingest/kernel/pool_rules.h"

namespace regulars::ingest {

// The class follows what each platform promises about its id.
std::map<std::string, types::v1::IdentifierClass, std::less<>> DefaultIdentifierClasses() {
  using namespace types::v1;  // NOLINT: enumerators of one proto enum
  return {
      {"card", IDENTIFIER_CLASS_UNIQUE},      // member card or CRM id
      {"customer", IDENTIFIER_CLASS_UNIQUE},  // customer number of one shop system
      {"unionid", IDENTIFIER_CLASS_UNIQUE},   // WeChat, per open-platform account
      {"omid", IDENTIFIER_CLASS_UNIQUE},      // Taobao, per brand group
      {"openid", IDENTIFIER_CLASS_STRONG},    // WeChat, per app
      {"ouid", IDENTIFIER_CLASS_STRONG},      // Taobao, per seller
      {"open_uid", IDENTIFIER_CLASS_STRONG},  // Taobao, per app key
      {"phone", IDENTIFIER_CLASS_STRONG},       {"email", IDENTIFIER_CLASS_STRONG},
      {"oaid", IDENTIFIER_CLASS_WEAK},           // changes every week
      {"virtual_phone", IDENTIFIER_CLASS_WEAK},  // expires
      {"cookie", IDENTIFIER_CLASS_WEAK},        {"device", IDENTIFIER_CLASS_WEAK},
      {"serial", IDENTIFIER_CLASS_OBJECT},  // of one package
      {"order", IDENTIFIER_CLASS_OBJECT},       {"code", IDENTIFIER_CLASS_OBJECT},
  };
}

int ClassRank(types::v1::IdentifierClass identifier_class) {
  switch (identifier_class) {
    case types::v1::IDENTIFIER_CLASS_UNIQUE:
      return 0;
    case types::v1::IDENTIFIER_CLASS_STRONG:
      return 1;
    case types::v1::IDENTIFIER_CLASS_WEAK:
      return 2;
    case types::v1::IDENTIFIER_CLASS_OBJECT:
      return 3;
    default:
      return 4;
  }
}

bool NamesPerson(types::v1::IdentifierClass identifier_class) {
  return ClassRank(identifier_class) <= 2;
}

}  // namespace regulars::ingest
