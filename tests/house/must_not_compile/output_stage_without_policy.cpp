// SPDX-License-Identifier: Apache-2.0
// An output stage has no default rounding.
// expect: no matching (member )?function for call to .*apply
#include <kinglet/quant/requantize.hpp>

#ifdef BREAK
int output(kinglet::OutputStage stage) {
  return stage.apply(1000, 0);
}
#else
int output(kinglet::OutputStage stage) {
  return stage.apply<kinglet::single_rounding>(1000, 0);
}
#endif
