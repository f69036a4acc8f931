// SPDX-License-Identifier: Apache-2.0
/// @file support/contest.hpp
/// Measures programs against each other on a machine that does other things as well: they take turns, so that all
/// meet the same conditions, and the fastest run of each counts, as other programs only ever add time.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "support/stopwatch.hpp"

namespace bench {

struct Contender {
  std::string engine{};
  std::function<void()> run{};
  std::string note{};  ///< which implementation
  double best_us = 1e12;
};

/// Each turn is two runs: one that finds the caches as the others left them, and the one that counts. Who begins
/// changes from turn to turn.
inline void compete(std::vector<Contender>& contenders, int turns) {
  for (int turn = 0; turn < turns; ++turn) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      Contender& contender = contenders[(i + static_cast<std::size_t>(turn)) % contenders.size()];
      contender.run();
      const Stopwatch watch;
      contender.run();
      const double us = watch.seconds() * 1e6;
      contender.best_us = std::min(contender.best_us, us);
    }
  }
}

}  // namespace bench
