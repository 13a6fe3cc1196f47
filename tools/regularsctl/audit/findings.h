// What an audit found: figures by name, and sentences about what is wrong. Thread-safety: none.
// Limits: the first kSentencesPerFigure sentences of a figure are kept, all are counted.
#ifndef REGULARS_TOOLS_REGULARSCTL_AUDIT_FINDINGS_H_
#define REGULARS_TOOLS_REGULARSCTL_AUDIT_FINDINGS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace regulars::ctl {

inline constexpr int64_t kSentencesPerFigure = 10;

class Findings {
 public:
  using Figures = std::map<std::string, int64_t, std::less<>>;

  // A plain figure. Count(name, 0) makes it appear.
  void Count(std::string_view figure, int64_t by = 1);
  // Something is wrong: counts under `figure` and keeps the sentence. No personal data.
  void Wrong(std::string_view figure, const std::string& sentence, int64_t by = 1);
  void Merge(const Findings& other);

  [[nodiscard]] bool ok() const { return wrong_ == 0; }
  [[nodiscard]] int64_t figure(std::string_view name) const;
  [[nodiscard]] const Figures& figures() const { return figures_; }
  [[nodiscard]] const std::vector<std::string>& sentences() const { return sentences_; }

 private:
  int64_t wrong_ = 0;
  Figures figures_;
  Figures said_;  // sentences per figure
  std::vector<std::string> sentences_;
};

// A key or an id for a person: bytes outside of printable ASCII as \x..
[[nodiscard]] std::string Shown(std::string_view bytes);

}  // namespace regulars::ctl

#endif  // REGULARS_TOOLS_REGULARSCTL_AUDIT_FINDINGS_H_
