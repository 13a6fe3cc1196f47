// What is compared of a member: how names and addresses are read, what the keys of its blocks tell,
// and who can open what it sends.
#include "services/identity/candidates/compared.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/text.h"
#include "services/identity/match/blocking.h"
#include "services/identity/match/text.h"
#include "services/identity/vault/vault_harness.h"

namespace regulars::identity::candidates {
namespace {

using match::Field;

v1::ComparedContact Contact(const std::string& name, const std::string& phone,
                            const std::string& address) {
  v1::ComparedContact contact;
  contact.set_name(name);
  contact.set_phone(phone);
  contact.set_address(address);
  return contact;
}

std::string FieldsOf(const match::Record& record) {
  std::string text;
  for (const Field field :
       {Field::kGivenName, Field::kSurname, Field::kStreetNumber, Field::kAddress1,
        Field::kAddress2, Field::kLocality, Field::kPostcode, Field::kRegion}) {
    Append(&text, field == Field::kGivenName ? "" : "|", match::ToUtf8(record[field]));
  }
  return text;
}

TEST(Compared, NamesAndAddressesAreRead) {
  struct Row {
    std::string name, address;
    std::string fields;  // given|surname|number|line 1|line 2|city|postcode|region
  };
  const Row rows[] = {
      {"王小明", "长安街12号\n北京\n100031\nCN", "小明|王|12|长安街号||北京|100031|cn"},
      {"欧阳娜娜", "", "娜娜|欧阳||||||"},
      {"Ann Mary Wynn", "12 Wynn Street\nUnit 3\nCarlton\n3053\nAU",
       "annmary|wynn|12|wynnstreet|unit3|carlton|3053|au"},
      {"Ann Wynn ", "Ring 4711", "ann|wynn|4711|ring||||"},
      {"Ann", "Ring 4711\nWien", "ann||4711|ring||wien||"},
      {"Ann", "Ring 4711\nSW1A 1AA", "ann||4711|ring|||sw1a1aa|"},
      {"Ann", "Ring 4711\nAT", "ann||4711|ring||||at"},
      {"Ann", "AT", "ann|||at||||"},
      {"", "\n \n", "|||||||"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(FieldsOf(RecordOf(Contact(row.name, "", row.address))), row.fields)
        << row.name << " / " << row.address;
  }
}

TEST(Compared, BlocksAreKeyedDistinctAndTellNothingWithoutTheKey) {
  const vault::TestKeys keys;
  const match::Record record =
      RecordOf(Contact("王小明", "+8613912345670", "长安街12号\n北京\n100031\nCN"));
  const std::vector<std::string> blocks = BlocksOf(record, keys.pepper);
  EXPECT_EQ(blocks.size(), match::BlockingKeys(record).size());
  EXPECT_GE(blocks.size(), 3U);
  const seal::Pepper other = *seal::Pepper::Parse(vault::KeyLine("p", 'q'), vault::kPool);
  const seal::Pepper elsewhere = *seal::Pepper::Parse(vault::KeyLine("p", 'p'), "cafe");
  for (const std::string& block : blocks) {
    EXPECT_EQ(block.size(), 28U);
    EXPECT_TRUE(block.starts_with("b_"));
  }
  for (const seal::Pepper& pepper : {other, elsewhere}) {
    for (const std::string& block : BlocksOf(record, pepper)) {
      EXPECT_EQ(std::count(blocks.begin(), blocks.end(), block), 0);
    }
  }
  EXPECT_EQ(BlocksOf(record, keys.pepper), blocks);
  EXPECT_TRUE(BlocksOf(RecordOf(Contact("", "", "")), keys.pepper).empty());
}

TEST(Compared, AComparisonOpensForItsReceiverWhileTheDayIsThere) {
  const vault::TestKeys keys;
  const types::v1::Sealed seal = vault::Report(keys, "t1", vault::kDay, {{"name", "x"}}).contact();
  v1::MatchSelf self;
  self.set_revision(7);
  self.set_transport_key_id(seal.key_id());
  self.set_transport_nonce(seal.nonce());
  const v1::ComparedContact contact = Contact("王小明", "+8613912345670", "长安街");
  const auto sealed = SealFor(self, contact, vault::kPool, "m_a", "m_b", keys.all());
  ASSERT_TRUE(sealed.ok());
  EXPECT_EQ(sealed->SerializeAsString().find("王"), std::string::npos);
  EXPECT_EQ(sealed->SerializeAsString(),
            SealFor(self, contact, vault::kPool, "m_a", "m_b", keys.all())->SerializeAsString())
      << "a replay seals the same bytes";

  const auto opened = OpenFrom(*sealed, vault::kPool, "m_b", keys.all());
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->SerializeAsString(), contact.SerializeAsString());
  const auto reason = [&](const v1::Comparison& comparison, const char* pool, const char* to,
                          const vault::TestKeys& with) {
    return ReasonOf(OpenFrom(comparison, pool, to, with.all()).status());
  };
  EXPECT_EQ(reason(*sealed, vault::kPool, "m_c", keys), "SEAL_BROKEN");
  EXPECT_EQ(reason(*sealed, "cafe", "m_b", keys), "SEAL_BROKEN");
  v1::Comparison forged = *sealed;
  forged.set_member("m_c");
  EXPECT_EQ(reason(forged, vault::kPool, "m_b", keys), "SEAL_BROKEN");
  const vault::TestKeys destroyed(vault::KeyLine("k1", 'k'),
                                  vault::KeyLine("transport/2026-11-24", 'u'));
  EXPECT_EQ(reason(*sealed, vault::kPool, "m_b", destroyed), "SEAL_KEY_UNKNOWN");
  EXPECT_EQ(ReasonOf(SealFor(self, contact, vault::kPool, "m_a", "m_b", destroyed.all()).status()),
            "SEAL_KEY_UNKNOWN");
}

}  // namespace
}  // namespace regulars::identity::candidates
