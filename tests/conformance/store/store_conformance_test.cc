// The conformance suite of libs/store/store.h: RocksDB and memory do the same.
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/store/memory_store.h"
#include "libs/store/rocksdb_store.h"
#include "tests/conformance/store/temporary_folder.h"

namespace regulars::store {
namespace {

using testing::ElementsAre;
using testing::Optional;

// A disk: factories made from it one after the other find the same stores.
struct Disk {
  virtual ~Disk() = default;
  virtual StoreFactory& Factory() = 0;
};

struct MemoryDisk final : Disk {
  StoreFactory& Factory() override { return factory; }
  MemoryStoreFactory factory;
};

struct RocksDbDisk final : Disk {
  RocksDbDisk() {
    RocksDbOptions options;
    options.root = folder.path() + "/stores";
    options.write_buffer_bytes = size_t{4} << 20;  // so that tests reach table files
    absl::StatusOr<std::unique_ptr<RocksDbStoreFactory>> made =
        RocksDbStoreFactory::Create(std::move(options));
    EXPECT_TRUE(made.ok()) << made.status();
    factory = *std::move(made);
  }
  StoreFactory& Factory() override { return *factory; }
  TemporaryFolder folder;
  std::unique_ptr<RocksDbStoreFactory> factory;
};

using MakeDisk = std::unique_ptr<Disk> (*)();

Op Put(std::string key, std::string value) {
  return {.key = std::move(key), .value = std::move(value)};
}
Op Delete(std::string key) { return {.key = std::move(key), .value = std::nullopt}; }

// "key=value" in scan order.
std::vector<std::string> ScanText(const ReadView& view, std::string_view from = "",
                                  std::string_view to = "") {
  std::vector<std::string> out;
  const absl::Status status =
      view.Scan(from, to, [&](std::string_view key, std::string_view value) {
        out.push_back(std::string(key) + "=" + std::string(value));
        return true;
      });
  EXPECT_TRUE(status.ok()) << status;
  return out;
}

class StoreConformance : public testing::TestWithParam<MakeDisk> {
 protected:
  StoreConformance() : disk_(GetParam()()), factory_(disk_->Factory()) {}

  std::unique_ptr<Store> Open(const std::string& name = "points-3") {
    absl::StatusOr<std::unique_ptr<Store>> store = factory_.Open(name);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  const std::unique_ptr<Disk> disk_;
  StoreFactory& factory_;
};

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance, testing::Values(+[]() -> std::unique_ptr<Disk> {
                           return std::make_unique<MemoryDisk>();
                         }));
INSTANTIATE_TEST_SUITE_P(RocksDb, StoreConformance, testing::Values(+[]() -> std::unique_ptr<Disk> {
                           return std::make_unique<RocksDbDisk>();
                         }));

TEST_P(StoreConformance, GetsWhatWasWrittenAndNothingElse) {
  const std::unique_ptr<Store> store = Open();
  EXPECT_EQ(*store->Get("a"), std::nullopt);
  ASSERT_TRUE(store->Write({Put("a", "1"), Put("b", "")}).ok());
  EXPECT_THAT(*store->Get("a"), Optional(std::string("1")));
  EXPECT_THAT(*store->Get("b"), Optional(std::string()));
  EXPECT_EQ(*store->Get("aa"), std::nullopt);
  EXPECT_EQ(*store->Get(""), std::nullopt);
  ASSERT_TRUE(store->Write({Put("a", "2"), Delete("b"), Delete("never")}).ok());
  EXPECT_THAT(ScanText(*store), ElementsAre("a=2"));
  EXPECT_TRUE(store->Write({}).ok());
}

TEST_P(StoreConformance, TheLastOpOnAKeyWins) {
  const std::unique_ptr<Store> store = Open();
  ASSERT_TRUE(store
                  ->Write({Put("a", "1"), Delete("a"), Put("b", "1"), Put("b", "2"), Delete("c"),
                           Put("c", "3")})
                  .ok());
  EXPECT_THAT(ScanText(*store), ElementsAre("b=2", "c=3"));
}

TEST_P(StoreConformance, KeysAndValuesAreBytesInByteOrder) {
  const std::unique_ptr<Store> store = Open();
  const std::string zero("a\0b", 3);
  ASSERT_TRUE(store
                  ->Write({Put("\xff", "last"), Put(zero, zero), Put("a", "1"), Put("", "first"),
                           Put("ab", "2"), Put("\x7f", "before last")})
                  .ok());
  EXPECT_THAT(*store->Get(zero), Optional(zero));
  EXPECT_THAT(ScanText(*store), ElementsAre("=first", "a=1", zero + "=" + zero, "ab=2",
                                            "\x7f=before last", "\xff=last"));
}

TEST_P(StoreConformance, ScansHalfOpenRangesAndStopsWhenTold) {
  const std::unique_ptr<Store> store = Open();
  ASSERT_TRUE(store->Write({Put("a", "1"), Put("b", "2"), Put("c", "3"), Put("d", "4")}).ok());
  EXPECT_THAT(ScanText(*store, "b", "d"), ElementsAre("b=2", "c=3"));
  EXPECT_THAT(ScanText(*store, "bb"), ElementsAre("c=3", "d=4"));
  EXPECT_THAT(ScanText(*store, "", "b"), ElementsAre("a=1"));
  EXPECT_THAT(ScanText(*store, "b", "b"), ElementsAre());
  EXPECT_THAT(ScanText(*store, "e"), ElementsAre());
  int seen = 0;
  EXPECT_TRUE(store->Scan("", "", [&](auto, auto) { return ++seen < 2; }).ok());
  EXPECT_EQ(seen, 2);
}

TEST_P(StoreConformance, ASnapshotStaysAsItWas) {
  const std::unique_ptr<Store> store = Open();
  ASSERT_TRUE(store->Write({Put("a", "1"), Put("b", "1")}).ok());
  const std::unique_ptr<ReadView> first = store->NewSnapshot();
  ASSERT_TRUE(store->Write({Put("a", "2"), Delete("b"), Put("c", "2")}).ok());
  const std::unique_ptr<ReadView> second = store->NewSnapshot();
  ASSERT_TRUE(store->Write({Put("a", "3")}).ok());
  EXPECT_THAT(ScanText(*first), ElementsAre("a=1", "b=1"));
  EXPECT_THAT(*first->Get("b"), Optional(std::string("1")));
  EXPECT_THAT(ScanText(*second), ElementsAre("a=2", "c=2"));
  EXPECT_EQ(*second->Get("b"), std::nullopt);
  EXPECT_THAT(ScanText(*store), ElementsAre("a=3", "c=2"));
}

TEST_P(StoreConformance, AnotherThreadReadsASnapshotWhileTheStoreIsWritten) {
  const std::unique_ptr<Store> store = Open();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(store->Write({Put(std::to_string(i), "old")}).ok());
  std::unique_ptr<ReadView> snapshot = store->NewSnapshot();
  int64_t old_values = 0;
  std::thread reader([&] {
    for (int round = 0; round < 20; ++round) {
      EXPECT_TRUE(snapshot
                      ->Scan("", "",
                             [&](std::string_view, std::string_view value) {
                               old_values += value == "old" ? 1 : 0;
                               return true;
                             })
                      .ok());
    }
    snapshot.reset();
  });
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(store->Write({Put(std::to_string(i % 100), "new")}).ok());
  }
  reader.join();
  EXPECT_EQ(old_values, 2000);
}

TEST_P(StoreConformance, ASnapshotOutlivesTheHandleAndKeepsTheStoreOpen) {
  std::unique_ptr<Store> store = Open();
  ASSERT_TRUE(store->Write({Put("a", "1")}).ok());
  std::unique_ptr<ReadView> snapshot = store->NewSnapshot();
  store.reset();
  EXPECT_THAT(ScanText(*snapshot), ElementsAre("a=1"));
  EXPECT_TRUE(absl::IsFailedPrecondition(factory_.Open("points-3").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(factory_.Destroy("points-3")));
  snapshot.reset();
  store = Open();
  EXPECT_THAT(ScanText(*store), ElementsAre("a=1"));
}

TEST_P(StoreConformance, AClosedStoreHasItsDataWhenOpenedAgain) {
  std::unique_ptr<Store> store = Open();
  ASSERT_TRUE(store->Write({Put("a", "1")}).ok());
  store.reset();
  store = Open();
  EXPECT_THAT(ScanText(*store), ElementsAre("a=1"));
}

TEST_P(StoreConformance, StoresAreApart) {
  const std::unique_ptr<Store> one = Open("points-1");
  const std::unique_ptr<Store> two = Open("points-2");
  ASSERT_TRUE(one->Write({Put("a", "1")}).ok());
  ASSERT_TRUE(two->Write({Put("a", "2")}).ok());
  EXPECT_THAT(ScanText(*one), ElementsAre("a=1"));
  EXPECT_THAT(ScanText(*two), ElementsAre("a=2"));
}

TEST_P(StoreConformance, AStoreIsOpenOnceAndNotDestroyedWhileOpen) {
  std::unique_ptr<Store> store = Open();
  EXPECT_TRUE(absl::IsFailedPrecondition(factory_.Open("points-3").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(factory_.Destroy("points-3")));
  ASSERT_TRUE(store->Write({Put("a", "1")}).ok());
  store.reset();
  EXPECT_TRUE(factory_.Destroy("points-3").ok());
  EXPECT_TRUE(factory_.Destroy("points-3").ok());  // nothing there: done
  store = Open();
  EXPECT_THAT(ScanText(*store), ElementsAre());
}

TEST_P(StoreConformance, NamesAreLettersDigitsAndDashes) {
  for (const std::string& name :
       {std::string(), std::string("a/b"), std::string(".."), std::string("a b"),
        std::string("a\0b", 3), std::string("ä"), std::string(kNameBytesMax + 1, 'a')}) {
    EXPECT_TRUE(absl::IsInvalidArgument(factory_.Open(name).status())) << name;
    EXPECT_TRUE(absl::IsInvalidArgument(factory_.Destroy(name))) << name;
  }
  EXPECT_NE(Open(std::string(kNameBytesMax, 'a')), nullptr);
}

TEST_P(StoreConformance, OneAboveALimitIsRefusedAndNothingOfTheBatchIsWritten) {
  const std::unique_ptr<Store> store = Open();
  EXPECT_TRUE(store
                  ->Write({Put(std::string(kKeyBytesMax, 'k'), "v"),
                           Put("v", std::string(kValueBytesMax, 'v'))})
                  .ok());
  EXPECT_TRUE(absl::IsInvalidArgument(
      store->Write({Put("a", "1"), Put(std::string(kKeyBytesMax + 1, 'k'), "v")})));
  EXPECT_TRUE(absl::IsInvalidArgument(
      store->Write({Put("a", "1"), Put("b", std::string(kValueBytesMax + 1, 'v'))})));
  EXPECT_TRUE(absl::IsInvalidArgument(store->Write({Delete(std::string(kKeyBytesMax + 1, 'k'))})));
  EXPECT_EQ(*store->Get("a"), std::nullopt);
  EXPECT_TRUE(store->Write({Put("a", "1")}).ok());  // a refused batch spoils nothing
}

// Random batches against a std::map, through flushes, compactions and reopening.
TEST_P(StoreConformance, BehavesLikeAMap) {
  std::mt19937_64 random(20261123);
  std::map<std::string, std::string> model;
  std::unique_ptr<Store> store = Open();
  for (int round = 0; round < 300; ++round) {
    std::vector<Op> batch;
    for (int i = 0; i < 40; ++i) {
      const std::string key = "key-" + std::to_string(random() % 2000);
      if (random() % 4 == 0) {
        batch.push_back(Delete(key));
        model.erase(key);
      } else {
        batch.push_back(Put(key, std::string(random() % 1500, 'v') + std::to_string(random())));
        model[key] = *batch.back().value;
      }
    }
    ASSERT_TRUE(store->Write(batch).ok());
    if (round % 100 == 99) {
      store.reset();
      store = Open();
    }
    for (int i = 0; i < 20; ++i) {
      const std::string key = "key-" + std::to_string(random() % 4000);
      const auto found = model.find(key);
      const absl::StatusOr<std::optional<std::string>> got = store->Get(key);
      ASSERT_TRUE(got.ok());
      ASSERT_EQ(*got, found == model.end() ? std::nullopt : std::optional(found->second));
    }
  }
  std::map<std::string, std::string> scanned;
  ASSERT_TRUE(store
                  ->Scan("", "",
                         [&](std::string_view key, std::string_view value) {
                           scanned.emplace(key, value);
                           return true;
                         })
                  .ok());
  EXPECT_EQ(scanned, model);
}

TEST(MemoryStore, ALostDiskIsEmptyWhileTheOpenHandleGoesOn) {
  MemoryStoreFactory disks;
  std::unique_ptr<Store> old = *disks.Open("points-0");
  ASSERT_TRUE(old->Write({Put("a", "1")}).ok());
  EXPECT_THAT(disks.Names(), ElementsAre("points-0"));
  disks.LoseDisk("points-0");
  EXPECT_THAT(disks.Names(), ElementsAre());
  EXPECT_THAT(ScanText(*old), ElementsAre("a=1"));
  const std::unique_ptr<Store> fresh = *disks.Open("points-0");
  old.reset();
  EXPECT_THAT(ScanText(*fresh), ElementsAre());
  EXPECT_TRUE(absl::IsFailedPrecondition(disks.Open("points-0").status()));
}

}  // namespace
}  // namespace regulars::store
