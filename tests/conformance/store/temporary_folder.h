// A new folder below the system's temporary folder, removed with everything in it at the end.
#ifndef REGULARS_TESTS_CONFORMANCE_STORE_TEMPORARY_FOLDER_H_
#define REGULARS_TESTS_CONFORMANCE_STORE_TEMPORARY_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <string>

#include "libs/base/assert.h"

namespace regulars::store {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    path_ = (std::filesystem::temp_directory_path() / "regulars-store-XXXXXX").string();
    REGULARS_ASSERT(mkdtemp(path_.data()) != nullptr, "no temporary folder");
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace regulars::store

#endif  // REGULARS_TESTS_CONFORMANCE_STORE_TEMPORARY_FOLDER_H_
