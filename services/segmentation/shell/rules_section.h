// The segment rules of a pool as the shared configuration file writes them:
//
//   pools:
//     - name: cofco
//       segmentation:
//         lapsed_after_days: 180   # lapsed: more than so many days of 24 hours since the last
//         purchase repeat_purchases: 2      # repeat_buyer: at least so many purchases that count
//
// Every field, and the whole map, has the default shown. `identity: {linking: true}` of the same
// pool is read, too. Errors go to the section's list of problems; used while starting.
#ifndef REGULARS_SERVICES_SEGMENTATION_SHELL_RULES_SECTION_H_
#define REGULARS_SERVICES_SEGMENTATION_SHELL_RULES_SECTION_H_

#include "libs/config/section.h"
#include "services/segmentation/kernel/rules.h"

namespace regulars::segmentation {

// Reads the field `segmentation` of a pool's map.
[[nodiscard]] Rules ReadRules(config::Section* pool);

}  // namespace regulars::segmentation

#endif  // REGULARS_SERVICES_SEGMENTATION_SHELL_RULES_SECTION_H_
