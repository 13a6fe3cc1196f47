// Records from a file: tab-separated values in UTF-8, a header line with column names, one record
// per line.
//
//   id<TAB>given_name<TAB>surname<TAB>birth_date
//   rec-1<TAB>mary<TAB>green<TAB>19560409
//
// Columns are `id`, `reading` and the fields of services/identity/match/fields.h, in any order;
// `id` must be there and be distinct. There is no quoting: a value holds neither tab nor line end.
// Thread-safety: pure functions. Errors: InvalidArgument with the line; a file that cannot be read:
// NotFound.
#ifndef REGULARS_TOOLS_MATCH_RECORDS_FILE_H_
#define REGULARS_TOOLS_MATCH_RECORDS_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/identity/match/record.h"

namespace regulars::match {

inline constexpr size_t kLineBytesMax = 64 * 1024;
inline constexpr size_t kRecordsMax = 50'000'000;

struct RecordList {
  std::vector<std::string> ids;
  std::vector<identity::match::Record> records;  // by the same index
};

[[nodiscard]] absl::StatusOr<RecordList> ParseRecords(std::string_view text);
[[nodiscard]] absl::StatusOr<RecordList> ReadRecords(const std::string& path);
// The whole file.
[[nodiscard]] absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace regulars::match

#endif  // REGULARS_TOOLS_MATCH_RECORDS_FILE_H_
