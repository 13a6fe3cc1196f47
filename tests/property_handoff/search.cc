#include "tests/property_handoff/search.h"

#include "libs/base/hash.h"
#include "libs/base/text.h"

namespace regulars::property_handoff {
namespace {

constexpr size_t kViolationsShown = 5;

class Search {
 public:
  explicit Search(const SearchOptions& options) : options_(options) {}

  double Visit(const World& world) {
    if (!world.violations.empty()) {
      Wrong(world.violations.front());
      return 1;
    }
    if (found.violations.size() >= kViolationsShown) return 0;
    const std::string text = world.Fingerprint();
    const std::pair<uint64_t, uint64_t> key(Xxh3(text), Xxh3(Cat("salt", text)));
    if (const auto seen = paths_.find(key); seen != paths_.end()) return seen->second;
    if (++found.states > options_.states_max) {
      found.cut = true;
      return 0;
    }
    double paths = 0;
    const std::vector<std::string> ready = world.Ready();
    for (const std::string& channel : ready) {
      World next = world;
      trail_.push_back(channel);
      next.Deliver(channel);
      paths += Visit(next);
      if (options_.repeats && world.MayRepeat(channel)) {
        World twice = world;
        twice.Deliver(channel, /*keep=*/true);
        paths += Visit(twice);
      }
      trail_.pop_back();
    }
    if (ready.empty()) {
      CheckEnd(world);
      paths = 1;
    }
    paths_[key] = paths;
    return paths;
  }

  Found found;

 private:
  void CheckEnd(const World& world) {
    ++found.ends;
    if (const std::string wrong = world.CheckQuiet(); !wrong.empty()) return Wrong(wrong);
    const std::string end = world.Final(options_.lots);
    const auto [known, fresh] = ends_.emplace(world.Accepted(), end);
    if (!fresh && known->second != end) {
      Wrong(Cat("ends as\n", end, "another way ends as\n", known->second));
    }
  }

  void Wrong(std::string what) {
    Append(&what, "\nafter");
    for (const std::string& channel : trail_) Append(&what, " ", channel);
    found.violations.push_back(std::move(what));
  }

  const SearchOptions options_;
  std::map<std::pair<uint64_t, uint64_t>, double> paths_;
  std::map<std::string, std::string> ends_;  // by what was accepted
  std::vector<std::string> trail_;
};

}  // namespace

Found EveryInterleaving(const World& start, const SearchOptions& options) {
  Search search(options);
  search.found.interleavings = search.Visit(start);
  return search.found;
}

}  // namespace regulars::property_handoff
