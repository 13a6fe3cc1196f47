// The view as a process uses it, out of its settings. Nothing is connected before the first call.
#ifndef REGULARS_LIBS_SERVICE_VIEW_PARTS_H_
#define REGULARS_LIBS_SERVICE_VIEW_PARTS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "libs/metrics/metrics.h"
#include "libs/service/settings.h"
#include "libs/service/view_reader.h"
#include "libs/service/view_thread.h"
#include "libs/shard/kernel.h"

namespace regulars::service {

// Null without Redis. `program` and `metrics` must outlive what is made. INVALID_ARGUMENT,
// NOT_FOUND for settings and files that cannot work.
absl::StatusOr<std::unique_ptr<ViewThread>> MakeViewThread(const Settings& settings,
                                                           const shard::Program* program,
                                                           metrics::Registry* metrics);
absl::StatusOr<std::unique_ptr<ViewReader>> MakeViewReader(const Settings& settings,
                                                           metrics::Registry* metrics);

}  // namespace regulars::service

#endif  // REGULARS_LIBS_SERVICE_VIEW_PARTS_H_
