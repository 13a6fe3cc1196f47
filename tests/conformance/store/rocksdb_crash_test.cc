// What RocksDB alone promises: a crash at any instant leaves the state after some prefix of the
// batches, after kill -9 even all of them, and spoiled files are DATA_LOSS, never a wrong state.
//
// Every batch n writes position = n and the keys k0..k9 = n, so a prefix is easy to recognise.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/store/rocksdb_store.h"
#include "tests/conformance/store/temporary_folder.h"

namespace regulars::store {
namespace {

namespace fs = std::filesystem;

constexpr char kRootVariable[] = "REGULARS_CRASH_TEST_ROOT";
constexpr char kName[] = "points-0";
constexpr int kKeys = 10;

std::unique_ptr<RocksDbStoreFactory> MakeFactory(const std::string& root) {
  RocksDbOptions options;
  options.root = root;
  options.write_buffer_bytes = size_t{2} << 20;  // small, so that crashes hit flushes as well
  absl::StatusOr<std::unique_ptr<RocksDbStoreFactory>> factory =
      RocksDbStoreFactory::Create(std::move(options));
  EXPECT_TRUE(factory.ok()) << factory.status();
  return *std::move(factory);
}

absl::Status WriteBatch(Store& store, int64_t n) {
  const std::string number = std::to_string(n);
  std::vector<Op> batch = {{.key = "position", .value = number}};
  for (int k = 0; k < kKeys; ++k) {
    std::string key = "k";
    key += std::to_string(k);
    batch.push_back({.key = key, .value = number + std::string(500, 'v')});
  }
  return store.Write(batch);
}

// The batch that the store is at (0: none); -1 when it is not at the end of any batch.
int64_t PositionOf(const ReadView& store) {
  int64_t position = 0;
  int keys = 0;
  bool torn = false;
  const absl::Status status = store.Scan("", "", [&](std::string_view, std::string_view value) {
    const int64_t n = std::stoll(std::string(value));
    torn = torn || (keys > 0 && n != position);
    position = n;
    ++keys;
    return true;
  });
  EXPECT_TRUE(status.ok()) << status;
  return torn || (keys != 0 && keys != kKeys + 1) ? -1 : position;
}

std::vector<fs::path> FilesOf(const fs::path& folder, const std::string& extension) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Run as a process of its own by the test below: writes until it is killed, and says on stderr
// which batches returned.
TEST(RocksDbCrash, DISABLED_Writer) {
  const std::unique_ptr<RocksDbStoreFactory> factory = MakeFactory(std::getenv(kRootVariable));
  const std::unique_ptr<Store> store = *factory->Open(kName);
  for (int64_t n = PositionOf(*store) + 1;; ++n) {
    ASSERT_TRUE(WriteBatch(*store, n).ok());
    ASSERT_EQ(write(STDERR_FILENO, &n, sizeof(n)), static_cast<ssize_t>(sizeof(n)));
  }
}

// Starts the writer, kills it after `batches` of its batches, returns the last one it reported.
int64_t WriteAndKill(const std::string& root, int batches) {
  int reports[2];
  EXPECT_EQ(pipe(reports), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    setenv(kRootVariable, root.c_str(), 1);
    dup2(reports[1], STDERR_FILENO);
    dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
    execl("/proc/self/exe", "writer", "--gtest_also_run_disabled_tests",
          "--gtest_filter=RocksDbCrash.DISABLED_Writer", nullptr);
    _exit(127);
  }
  close(reports[1]);
  int64_t last = 0;
  int64_t n = 0;
  for (int i = 0; read(reports[0], &n, sizeof(n)) == static_cast<ssize_t>(sizeof(n)); ++i) {
    last = n;
    if (i == batches) kill(pid, SIGKILL);
  }
  close(reports[0]);
  waitpid(pid, nullptr, 0);
  return last;
}

TEST(RocksDbCrash, AKilledProcessLosesNoBatchThatReturned) {
  const TemporaryFolder folder;
  for (const int batches : {1, 50, 700, 3, 2000}) {
    const int64_t reported = WriteAndKill(folder.path(), batches);
    ASSERT_GE(reported, batches);
    const std::unique_ptr<RocksDbStoreFactory> factory = MakeFactory(folder.path());
    const absl::StatusOr<std::unique_ptr<Store>> store = factory->Open(kName);
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_GE(PositionOf(**store), reported);
    EXPECT_LE(PositionOf(**store), reported + 1);  // written, not reported
  }
}

TEST(RocksDbCrash, ATornWriteAheadLogLeavesAPrefix) {
  for (const int64_t cut : {1, 100, 5000, 20'000, 100'000}) {
    const TemporaryFolder folder;
    const std::unique_ptr<RocksDbStoreFactory> factory = MakeFactory(folder.path());
    std::unique_ptr<Store> store = *factory->Open(kName);
    for (int64_t n = 1; n <= 60; ++n) ASSERT_TRUE(WriteBatch(*store, n).ok());
    store.reset();
    const std::vector<fs::path> logs = FilesOf(fs::path(folder.path()) / kName, ".log");
    ASSERT_FALSE(logs.empty());
    ASSERT_GT(fs::file_size(logs.back()), static_cast<uintmax_t>(cut));
    fs::resize_file(logs.back(), fs::file_size(logs.back()) - static_cast<uintmax_t>(cut));
    store = *factory->Open(kName);
    const int64_t position = PositionOf(*store);
    EXPECT_GE(position, 0);
    EXPECT_LT(position, 60);
    EXPECT_GE(position, 60 - cut / 5000 - 1);
    ASSERT_TRUE(WriteBatch(*store, 61).ok());  // and life goes on
    EXPECT_EQ(PositionOf(*store), 61);
  }
}

TEST(RocksDbCrash, SpoiledFilesAreDataLossUntilDestroyed) {
  const TemporaryFolder folder;
  const fs::path files = fs::path(folder.path()) / kName;
  for (const std::string spoil : {"remove CURRENT", "remove a table", "cut a table"}) {
    SCOPED_TRACE(spoil);
    const std::unique_ptr<RocksDbStoreFactory> factory = MakeFactory(folder.path());
    std::unique_ptr<Store> store = *factory->Open(kName);
    for (int64_t n = 1; n <= 1000; ++n) ASSERT_TRUE(WriteBatch(*store, n).ok());
    store.reset();
    const std::vector<fs::path> tables = FilesOf(files, ".sst");
    ASSERT_FALSE(tables.empty());
    if (spoil == "remove CURRENT") {
      fs::remove(files / "CURRENT");
    } else if (spoil == "remove a table") {
      fs::remove(tables.front());
    } else {
      fs::resize_file(tables.front(), 100);
    }
    const absl::StatusOr<std::unique_ptr<Store>> spoiled = factory->Open(kName);
    EXPECT_TRUE(absl::IsDataLoss(spoiled.status())) << spoiled.status();
    ASSERT_TRUE(factory->Destroy(kName).ok());
    store = *factory->Open(kName);
    EXPECT_EQ(PositionOf(*store), 0);
    store.reset();
    ASSERT_TRUE(factory->Destroy(kName).ok());
  }
}

TEST(RocksDbStore, AnInterruptedDestroyIsFinishedAtTheNextStart) {
  const TemporaryFolder folder;
  fs::create_directories(fs::path(folder.path()) / ".destroyed-points-0" / "x");
  const std::unique_ptr<RocksDbStoreFactory> factory = MakeFactory(folder.path());
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(RocksDbStore, TwoProcessesOrFactoriesDoNotShareAStore) {
  const TemporaryFolder folder;
  const std::unique_ptr<RocksDbStoreFactory> one = MakeFactory(folder.path());
  const std::unique_ptr<RocksDbStoreFactory> two = MakeFactory(folder.path());
  const std::unique_ptr<Store> store = *one->Open(kName);
  EXPECT_TRUE(absl::IsFailedPrecondition(two->Open(kName).status())) << two->Open(kName).status();
}

TEST(RocksDbStore, OnlyItsOwnerReadsTheFolder) {
  const TemporaryFolder folder;
  const std::string root = folder.path() + "/a/b";
  MakeFactory(root);
  EXPECT_EQ(fs::status(root).permissions(), fs::perms::owner_all);
}

TEST(RocksDbStore, RefusesOptionsThatCannotWork) {
  const TemporaryFolder folder;
  EXPECT_TRUE(absl::IsInvalidArgument(RocksDbStoreFactory::Create({}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      RocksDbStoreFactory::Create({.root = folder.path(), .open_files_max = 15}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      RocksDbStoreFactory::Create({.root = folder.path(), .block_cache_bytes = 0}).status()));
  std::ofstream(folder.path() + "/file") << "x";
  EXPECT_TRUE(absl::IsUnavailable(
      RocksDbStoreFactory::Create({.root = folder.path() + "/file/below"}).status()));
}

}  // namespace
}  // namespace regulars::store
