// Where the worker sends what readers may see; implemented by ViewWriter. Thread-safety: every
// method may be called from the worker's thread while the writer works on another.
#ifndef REGULARS_LIBS_SHARD_VIEW_SINK_H_
#define REGULARS_LIBS_SHARD_VIEW_SINK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libs/redis/view.h"
#include "libs/store/store.h"

namespace regulars::shard {

class ViewSink {
 public:
  virtual ~ViewSink() = default;
  struct Ownership {
    int32_t shard = 0;
    std::string log_id;
    int64_t epoch = 0;
    int64_t sequence_before = 0;  // a whole view with this position needs no rewrite
    int64_t sequence = 0;         // of the ownership record
  };
  virtual void Own(const Ownership& ownership) = 0;
  virtual void Lost(int32_t shard) = 0;
  // One committed transaction of the shard, in order.
  virtual void Append(int32_t shard, int64_t from_sequence, int64_t to_sequence,
                      std::vector<redis::ViewOp> ops) = 0;
  // Keys that a reader missed, with their values as of `sequence`, the newest one appended. Dropped
  // when the view has other work: the next reader asks again.
  virtual void Refresh(int32_t shard, int64_t sequence, std::vector<redis::ViewOp> ops) = 0;
  // True while a rebuild waits for GiveSnapshot.
  virtual bool WantsSnapshot(int32_t shard) = 0;
  // State of the shard exactly as of `sequence`.
  virtual void GiveSnapshot(int32_t shard, int64_t sequence,
                            std::unique_ptr<store::ReadView> snapshot) = 0;
};

}  // namespace regulars::shard

#endif  // REGULARS_LIBS_SHARD_VIEW_SINK_H_
