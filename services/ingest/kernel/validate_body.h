// The part of Validate that looks at what happened. Thread-safety: pure function.
#ifndef REGULARS_SERVICES_INGEST_KERNEL_VALIDATE_BODY_H_
#define REGULARS_SERVICES_INGEST_KERNEL_VALIDATE_BODY_H_

#include "regulars/ingest/v1/touch.pb.h"
#include "services/ingest/kernel/field_check.h"

namespace regulars::ingest {

bool CheckBody(const v1::TouchBody& body, FieldCheck* check);

}  // namespace regulars::ingest

#endif  // REGULARS_SERVICES_INGEST_KERNEL_VALIDATE_BODY_H_
