#include "tools/regularsctl/audit/findings.h"

#include "absl/strings/escaping.h"
#include "libs/base/text.h"

namespace regulars::ctl {

void Findings::Count(std::string_view figure, int64_t by) { figures_[std::string(figure)] += by; }

void Findings::Wrong(std::string_view figure, const std::string& sentence, int64_t by) {
  ++wrong_;
  Count(figure, by);
  if (++said_[std::string(figure)] <= kSentencesPerFigure) {
    sentences_.push_back(Cat(figure, ": ", sentence));
  }
}

void Findings::Merge(const Findings& other) {
  wrong_ += other.wrong_;
  for (const auto& [name, value] : other.figures_) figures_[name] += value;
  for (const std::string& sentence : other.sentences_) {
    const std::string figure = sentence.substr(0, sentence.find(':'));
    if (++said_[figure] <= kSentencesPerFigure) sentences_.push_back(sentence);
  }
}

int64_t Findings::figure(std::string_view name) const {
  const auto found = figures_.find(name);
  return found == figures_.end() ? 0 : found->second;
}

std::string Shown(std::string_view bytes) { return absl::CHexEscape(AbslView(bytes)); }

}  // namespace regulars::ctl
