// The keys of a pool that say how its identifiers are spelled: `pools[].identifiers`. Ingest and
// identity read them, so that both spell alike.
// Thread-safety: pure; used while starting.
#ifndef REGULARS_LIBS_NORMALIZE_SECTION_H_
#define REGULARS_LIBS_NORMALIZE_SECTION_H_

#include <cstddef>

#include "libs/config/section.h"
#include "libs/normalize/normalize.h"

namespace regulars::normalize {

inline constexpr size_t kShapesMax = 200;
inline constexpr size_t kBlockedMax = 10'000;

// identifiers:
//   default_region: CN                  # of phones without country code
//   shapes: ["card=digits:10..16", "openid=key:6..64:scoped"]     # shape.h
//   blocked: ["phone=021 6123 4567", "email=@relay.example", "*=demo"]
// A blocked value is written as senders write it; it is spelled here. Mistakes become problems of
// the section and change nothing.
Options ReadOptions(config::Section* pool);

}  // namespace regulars::normalize

#endif  // REGULARS_LIBS_NORMALIZE_SECTION_H_
