// SPDX-License-Identifier: Apache-2.0
// The arena destroys nothing, so it makes nothing that would need it.
// expect: kinglet: Arena: objects are never destroyed
#include <kinglet/memory/arena.hpp>

struct Owner {
  int* resource = nullptr;
#ifdef BREAK
  ~Owner() {
    resource = nullptr;
  }
#endif
};

Owner* make(kinglet::Arena& arena) {
  return arena.make<Owner>();
}
