// The text of regulars.lua, built into the binary.
#ifndef REGULARS_LIBS_REDIS_FUNCTION_LIBRARY_H_
#define REGULARS_LIBS_REDIS_FUNCTION_LIBRARY_H_

#include <string_view>

namespace regulars::redis {

extern const std::string_view kFunctionLibrary;

}  // namespace regulars::redis

#endif  // REGULARS_LIBS_REDIS_FUNCTION_LIBRARY_H_
