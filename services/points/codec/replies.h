// State of the ledger as messages of points_service.proto. Internal to the codec.
#ifndef REGULARS_SERVICES_POINTS_CODEC_REPLIES_H_
#define REGULARS_SERVICES_POINTS_CODEC_REPLIES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/shard/kernel.h"
#include "regulars/points/v1/points_service.pb.h"
#include "regulars/points/v1/points_state.pb.h"
#include "services/points/codec/inputs.h"

namespace regulars::points {

// A page of entries ends early when it has grown to this many bytes (AIP-158 allows fewer).
inline constexpr size_t kEntriesPageBytes = size_t{256} * 1024;

[[nodiscard]] v1::Balance RenderBalance(std::string_view name, const v1::PointsRoot& root);
[[nodiscard]] v1::Redemption RenderRedemption(std::string_view balance_name,
                                              std::string_view redemption_id,
                                              const v1::RedemptionState& state);
// Newest first, numbers without gaps: read by number, no scan.
[[nodiscard]] v1::ListEntriesResponse RenderEntries(const shard::EntityState& state,
                                                    std::string_view balance_name,
                                                    const EntriesQuery& query,
                                                    const v1::PointsRoot& root);

}  // namespace regulars::points

#endif  // REGULARS_SERVICES_POINTS_CODEC_REPLIES_H_
