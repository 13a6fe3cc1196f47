#include <gtest/gtest.h>

#include <string>

#include "libs/base/text.h"
#include "libs/normalize/email.h"
#include "libs/normalize/ledger.h"

namespace regulars::normalize {
namespace {

using enum Outcome;

TEST(Emails, HaveOneSpelling) {
  const Row rows[] = {
      {"ann@example.com", kNormal, "ann@example.com"},
      {"  Ann.Lee@Example.COM ", kNormal, "ann.lee@example.com"},
      {"ann@qq.com", kNormal, "ann@qq.com"},
      {"123456789@qq.com", kNormal, "123456789@qq.com"},
      {"ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", kNormal, "ann@example.com"},
      {"ann@example。com", kNormal, "ann@example.com"},  // a Chinese full stop
      {"\uFEFFann@\u200Bexample.com", kNormal, "ann@example.com"},
      {"a.n.n@gmail.com", kNormal, "a.n.n@gmail.com"},            // dots are not folded
      {"ann+shop@example.com", kNormal, "ann+shop@example.com"},  // another mailbox
      {"ann_lee-1@mail.example.co.uk", kNormal, "ann_lee-1@mail.example.co.uk"},
      {"o'hara@example.com", kNormal, "o'hara@example.com"},
      {"ann@例子.中国", kNormal, "ann@xn--fsqu00a.xn--fiqs8s"},
      {"ann@xn--fsqu00a.XN--FIQS8S", kNormal, "ann@xn--fsqu00a.xn--fiqs8s"},
      {"ann@Bücher.example", kNormal, "ann@xn--bcher-kva.example"},
      {"ann@faß.de", kNormal, "ann@xn--fa-hia.de"},  // IDNA 2008: not fass.de
      {"张伟@例子.中国", kNormal, "张伟@xn--fsqu00a.xn--fiqs8s"},
  };
  ExpectLedger("email", "", rows);
}

TEST(Emails, ThatNameNobodyAreBlocked) {
  const Row rows[] = {
      {"a***n@example.com", kMasked},
      {"ann@ex＊＊＊.com", kMasked},
      {"test@example.com", kPlaceholder, "test@example.com"},
      {"ann@test.com", kPlaceholder, "ann@test.com"},
      {"NoReply@example.com", kPlaceholder, "noreply@example.com"},
      {"null@example.com", kPlaceholder, "null@example.com"},
      {"N/A", kPlaceholder, "N/A"},
  };
  ExpectLedger("email", "", rows);
}

TEST(Emails, ThatAreNoneAreRefused) {
  const std::string local(64, 'a');
  const std::string label(63, 'b');
  const std::string long_domain = Cat(label, ".", label, ".", label);  // 191 bytes
  const std::string longest = Cat(local.substr(0, 62), "@", long_domain);
  const std::string too_long = Cat(local, "@", long_domain);
  const std::string long_local = Cat(local, "a@example.com");
  const std::string long_label = Cat("ann@", label, "b.com");
  const Row rows[] = {
      {longest, kNormal, longest},  // 254 bytes
      {too_long, kMalformed},
      {long_local, kMalformed},
      {long_label, kMalformed},
      {"ann", kMalformed},
      {"@example.com", kMalformed},
      {"ann@", kMalformed},
      {"ann@localhost", kMalformed},
      {"ann@[127.0.0.1]", kMalformed},
      {"ann@127.0.0.1", kMalformed},
      {"ann@example..com", kMalformed},
      {"ann@example.com.", kMalformed},
      {"ann@-example.com", kMalformed},
      {"ann@exa_mple.com", kMalformed},
      {".ann@example.com", kMalformed},
      {"an..n@example.com", kMalformed},
      {"an n@example.com", kMalformed},
      {"\"ann lee\"@example.com", kMalformed},
      {"Ann Lee <ann@example.com>", kMalformed},
      {"ann@bob@example.com", kMalformed},
      {"ann@xn--zzzzzzzz99999.com", kMalformed},  // no valid encoding behind the prefix
  };
  ExpectLedger("email", "", rows);
}

}  // namespace
}  // namespace regulars::normalize
