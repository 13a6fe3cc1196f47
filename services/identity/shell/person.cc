#include "services/identity/shell/person.h"

#include <algorithm>
#include <optional>

#include "libs/base/status.h"
#include "services/identity/vault/messages.h"

namespace regulars::identity {
namespace {

std::string MemberOf(const std::string& name) { return name.substr(name.rfind('/') + 1); }

absl::Status Changing() {
  return DomainError(absl::StatusCode::kFailedPrecondition, "MERGE_IN_PROGRESS",
                     "the member is being merged or parted; ask again");
}

// Several questions at once; done when the last one is answered.
template <typename Question, typename Told>
class Round : public std::enable_shared_from_this<Round<Question, Told>> {
 public:
  using Done = std::function<void(absl::StatusOr<std::vector<Told>>)>;
  explicit Round(Done done) : done_(std::move(done)) {}

  void Ask(const AskPart<Question, Told>& ask, const std::vector<Question>& questions) {
    told_.resize(questions.size());
    left_ = questions.size();
    if (left_ == 0) return done_(std::vector<Told>());
    for (size_t i = 0; i < questions.size(); ++i) {
      ask(MemberOf(questions[i].name()), questions[i],
          [self = this->shared_from_this(), i](absl::StatusOr<Told> told) {
            self->OnTold(i, std::move(told));
          });
    }
  }

 private:
  void OnTold(size_t i, absl::StatusOr<Told> told) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (told.ok()) {
        told_[i] = *std::move(told);
      } else if (first_error_.ok()) {
        first_error_ = told.status();
      }
      if (--left_ > 0) return;
    }
    if (!first_error_.ok()) return done_(first_error_);
    done_(std::move(told_));
  }

  const Done done_;
  std::mutex mutex_;  // guards what follows, until the last answer
  std::vector<Told> told_;
  absl::Status first_error_;
  size_t left_ = 0;
};

class PersonRound : public std::enable_shared_from_this<PersonRound> {
 public:
  PersonRound(DescribeAsk ask, std::string pool, std::string member,
              v1::DescribePartRequest question,
              std::function<void(absl::StatusOr<vault::Parts>)> done)
      : ask_(std::move(ask)),
        pool_(std::move(pool)),
        named_(std::move(member)),
        question_(std::move(question)),
        done_(std::move(done)) {}

  void AskRoot(const std::string& member) {
    ask_(member, QuestionOf(member),
         [self = shared_from_this()](absl::StatusOr<v1::PartDescription> told) {
           if (!told.ok()) return self->done_(told.status());
           self->OnRoot(*std::move(told));
         });
  }

 private:
  v1::DescribePartRequest QuestionOf(const std::string& member) const {
    v1::DescribePartRequest question = question_;
    question.set_name(vault::NameOf(pool_, member));
    return question;
  }

  void OnRoot(v1::PartDescription root) {
    if (!root.parent().empty()) {
      if (++aliases_ > kAliasesAskedMax) return done_(Changing());
      return AskRoot(root.parent());
    }
    // Who was parted a moment ago may not know it yet and have sent us here.
    const bool is_of_it =
        root.member() == named_ ||
        std::find(root.parts().begin(), root.parts().end(), named_) != root.parts().end();
    if (!is_of_it || static_cast<size_t>(root.parts_size()) >= kPersonMembersMax)
      return done_(Changing());
    std::vector<v1::DescribePartRequest> questions;
    for (const std::string& part : root.parts()) questions.push_back(QuestionOf(part));
    auto round = std::make_shared<Round<v1::DescribePartRequest, v1::PartDescription>>(
        [self = shared_from_this(),
         root = std::move(root)](absl::StatusOr<std::vector<v1::PartDescription>> told) {
          if (!told.ok()) return self->done_(told.status());
          self->OnParts(root, *std::move(told));
        });
    round->Ask(ask_, questions);
  }

  void OnParts(const v1::PartDescription& root, std::vector<v1::PartDescription> told) {
    vault::Parts parts = {root};
    for (v1::PartDescription& part : told) {
      // A root of its own by now: what it was told since concerns somebody else.
      if (part.parent().empty() && !part.proposing()) return done_(Changing());
      parts.push_back(std::move(part));
    }
    done_(std::move(parts));
  }

  const DescribeAsk ask_;
  const std::string pool_;
  const std::string named_;
  const v1::DescribePartRequest question_;
  const std::function<void(absl::StatusOr<vault::Parts>)> done_;
  int aliases_ = 0;
};

}  // namespace

void GatherPerson(const DescribeAsk& ask, const std::string& pool, const std::string& member,
                  v1::DescribePartRequest question,
                  std::function<void(absl::StatusOr<vault::Parts>)> done) {
  // shared: lives until the last owner has answered
  std::make_shared<PersonRound>(ask, pool, member, std::move(question), std::move(done))
      ->AskRoot(member);
}

void GatherTold(const TellAsk& ask, std::vector<v1::TellPartRequest> questions,
                std::function<void(absl::StatusOr<std::vector<v1::PartTold>>)> done) {
  // shared: lives until the last owner has answered
  std::make_shared<Round<v1::TellPartRequest, v1::PartTold>>(std::move(done))->Ask(ask, questions);
}

}  // namespace regulars::identity
