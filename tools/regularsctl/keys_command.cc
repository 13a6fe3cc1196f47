// `regularsctl keys`: the file of transport keys. `rotate` makes the keys of today and the days
// ahead and destroys those whose touches are gone; run it daily. It asks no service and no broker.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "libs/base/status.h"
#include "libs/base/text.h"
#include "libs/base/wall_clock.h"
#include "libs/seal/crypto.h"
#include "libs/seal/transport_keys.h"
#include "tools/regularsctl/answer.h"

namespace regulars::ctl {
namespace {

// A file descriptor that closes itself.
class File {
 public:
  File(const std::string& path, int flags, mode_t mode) : fd_(open(path.c_str(), flags, mode)) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  const int fd_;
};

absl::Status Failed(const std::string& what, const std::string& path) {
  return absl::UnavailableError(Cat(what, " ", path, ": ", std::strerror(errno)));
}

absl::StatusOr<std::string> ReadKeys(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) {
    if (access(path.c_str(), F_OK) != 0) return "";
    return Failed("cannot read", path);
  }
  std::stringstream text;
  if (file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  return text.str();
}

absl::Status WriteAll(int fd, const std::string& text, const std::string& path) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t wrote = write(fd, text.data() + done, text.size() - done);
    if (wrote < 0) return Failed("cannot write", path);
    done += static_cast<size_t>(wrote);
  }
  return fsync(fd) == 0 ? absl::OkStatus() : Failed("cannot write", path);
}

// Readers see the old file or the new one. What the old one held is written over before its blocks
// are given back; on storage that never writes in place, only the medium's own erasure does more.
absl::Status ReplaceKeys(const std::string& path, const std::string& text) {
  const std::string staged = Cat(path, ".new");
  struct stat before {};
  const bool existed = stat(path.c_str(), &before) == 0;
  unlink(staged.c_str());
  {
    const File file(staged, O_WRONLY | O_CREAT | O_EXCL, existed ? before.st_mode & 0777 : 0640);
    if (file.fd() < 0) return Failed("cannot create", staged);
    REGULARS_RETURN_IF_ERROR(WriteAll(file.fd(), text, staged));
  }
  const File old(path, O_WRONLY, 0);
  if (rename(staged.c_str(), path.c_str()) != 0) return Failed("cannot replace", path);
  if (!existed || old.fd() < 0) return absl::OkStatus();
  return WriteAll(old.fd(), std::string(static_cast<size_t>(before.st_size), '\0'), path);
}

absl::StatusOr<int64_t> Days(const CommandLine& line, std::string_view flag, int64_t fallback) {
  const std::optional<std::string> text = line.Last(flag);
  int64_t days = fallback;
  if (text.has_value() && !absl::SimpleAtoi(*text, &days)) {
    return absl::InvalidArgumentError(Cat("--", flag, " must be a number of days"));
  }
  return days;
}

absl::StatusOr<Answer> Rotate(const CommandLine& line, const std::string& path) {
  seal::TransportRotation rotation;
  REGULARS_ASSIGN_OR_RETURN(rotation.retention_days,
                            Days(line, "retention-days", rotation.retention_days));
  REGULARS_ASSIGN_OR_RETURN(rotation.ahead_days, Days(line, "ahead-days", rotation.ahead_days));
  REGULARS_ASSIGN_OR_RETURN(const std::string text, ReadKeys(path));
  REGULARS_ASSIGN_OR_RETURN(const seal::RotatedKeys rotated,
                            seal::RotateTransportKeys(text, WallMicros(), rotation, [] {
                              return seal::RandomBytes(seal::kKeyBytes);
                            }));
  if (rotated.text != text) REGULARS_RETURN_IF_ERROR(ReplaceKeys(path, rotated.text));
  Answer answer;
  answer.json = {{"made", rotated.made}, {"destroyed", rotated.destroyed}};
  for (const auto& [what, ids] :
       {std::pair{"made", &rotated.made}, std::pair{"destroyed", &rotated.destroyed}}) {
    Append(&answer.text, what, ": ", ids->empty() ? "none" : absl::StrJoin(*ids, ", "), "\n");
  }
  return answer;
}

}  // namespace

absl::StatusOr<Answer> RunKeys(Context* context) {
  const auto& words = context->line().words();
  if (words.size() == 3 && words[1] == "rotate") return Rotate(context->line(), words[2]);
  return absl::InvalidArgumentError("keys rotate FILE [--retention-days=14] [--ahead-days=3]");
}

}  // namespace regulars::ctl
