// The rows of docs/bad-inputs.md, which the tests' tables are compared with. The test defines
// REGULARS_SOURCE_DIR.
#ifndef REGULARS_SERVICES_INGEST_TESTING_DOCUMENTED_H_
#define REGULARS_SERVICES_INGEST_TESTING_DOCUMENTED_H_

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace regulars::ingest {

// The rows of a section of the document: id -> reason.
inline std::map<std::string, std::string> Documented(const std::string& section) {
  std::ifstream file(REGULARS_SOURCE_DIR "/docs/bad-inputs.md");
  EXPECT_TRUE(file.is_open());
  std::map<std::string, std::string> rows;
  std::string line;
  bool inside = false;
  while (std::getline(file, line)) {
    if (line.rfind("## ", 0) == 0) inside = line.find(section) != std::string::npos;
    if (!inside || line.rfind("| ", 0) != 0 || line.rfind("| id ", 0) == 0) continue;
    std::vector<std::string> cells;
    for (size_t at = 2; at < line.size();) {
      const size_t end = line.find(" |", at);
      if (end == std::string::npos) break;
      cells.push_back(line.substr(at, end - at));
      at = end + 3;
    }
    EXPECT_EQ(cells.size(), 4u) << line;
    if (cells.size() == 4) rows[cells[0]] = cells[3];
  }
  return rows;
}

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_TESTING_DOCUMENTED_H_
