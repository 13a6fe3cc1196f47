#include "tools/match/records_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "libs/base/status.h"
#include "libs/base/text.h"

namespace regulars::match {
namespace {

using identity::match::FieldNamed;
using identity::match::kFieldCount;
using identity::match::Record;
using identity::match::RecordText;

constexpr std::string_view kId = "id", kReading = "reading";
constexpr size_t kIdColumn = kFieldCount + 1, kReadingColumn = kFieldCount;

absl::Status Wrong(size_t line, std::string_view what) {
  return absl::InvalidArgumentError(Cat("line ", line, ": ", what));
}

std::string_view Cut(std::string_view* rest, char end) {
  const size_t at = std::min(rest->find(end), rest->size());
  const std::string_view out = rest->substr(0, at);
  rest->remove_prefix(std::min(at + 1, rest->size()));
  return out;
}

std::vector<std::string_view> Values(std::string_view line) {
  std::vector<std::string_view> out;
  for (size_t tabs = 1 + static_cast<size_t>(std::count(line.begin(), line.end(), '\t')); tabs > 0;
       --tabs) {
    out.push_back(Cut(&line, '\t'));
  }
  return out;
}

// What each column is: a field's index, kReadingColumn or kIdColumn.
absl::StatusOr<std::vector<size_t>> Columns(std::string_view header) {
  std::vector<size_t> out;
  for (const std::string_view name : Values(header)) {
    size_t column = name == kId ? kIdColumn : kReadingColumn;
    if (name != kId && name != kReading) {
      const auto field = FieldNamed(name);
      if (!field.has_value()) return Wrong(1, "a column that is no field");
      column = Index(*field);
    }
    if (std::find(out.begin(), out.end(), column) != out.end()) return Wrong(1, "a column twice");
    out.push_back(column);
  }
  if (std::find(out.begin(), out.end(), kIdColumn) == out.end()) return Wrong(1, "no column id");
  return out;
}

}  // namespace

absl::StatusOr<RecordList> ParseRecords(std::string_view text) {
  REGULARS_ASSIGN_OR_RETURN(const std::vector<size_t> columns, Columns(Cut(&text, '\n')));
  RecordList out;
  absl::flat_hash_set<std::string> ids;
  for (size_t number = 2; !text.empty(); ++number) {
    const std::string_view line = Cut(&text, '\n');
    if (line.size() > kLineBytesMax) {
      return Wrong(number, Cat("more than ", kLineBytesMax, " bytes"));
    }
    const std::vector<std::string_view> values = Values(line);
    if (values.size() != columns.size()) {
      return Wrong(number, Cat(values.size(), " values for ", columns.size(), " columns"));
    }
    if (out.ids.size() == kRecordsMax) return Wrong(number, "too many records");
    RecordText record;
    std::string id;
    for (size_t i = 0; i < columns.size(); ++i) {
      std::string& value = columns[i] == kIdColumn        ? id
                           : columns[i] == kReadingColumn ? record.reading
                                                          : record.values[columns[i]];
      value = values[i];
    }
    if (id.empty() || !ids.insert(id).second) return Wrong(number, "an id that is empty or known");
    out.ids.push_back(std::move(id));
    out.records.push_back(Record::Of(record));
  }
  return out;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(Cat("cannot read ", path));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

absl::StatusOr<RecordList> ReadRecords(const std::string& path) {
  REGULARS_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return ParseRecords(text);
}

}  // namespace regulars::match
