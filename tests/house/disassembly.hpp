// SPDX-License-Identifier: Apache-2.0
/// @file house/disassembly.hpp
/// What `objdump -d -C --no-show-raw-insn` writes, GNU's or LLVM's, as functions, their instructions and loops; of x86-64
/// and 64-bit ARM.
#pragma once

#include <algorithm>
#include <istream>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace house {

struct Instruction {
  unsigned long address;
  std::string text;  ///< mnemonic and operands; the destination is last on x86-64, first on ARM
};
using Code = std::vector<Instruction>;

/// Functions by their whole names.
inline std::map<std::string, Code> functions_of(std::istream& disassembly) {
  static const std::regex head("^[0-9a-f]+ <(.*)>:$");
  static const std::regex instruction("^ *([0-9a-f]+):[ \t]+(.*)$");
  std::map<std::string, Code> functions;
  Code* code = nullptr;
  std::smatch found;
  for (std::string line; std::getline(disassembly, line);) {
    if (std::regex_match(line, found, head)) {
      code = &functions[found[1]];
    } else if (code != nullptr && std::regex_match(line, found, instruction)) {
      code->push_back({std::stoul(found[1], nullptr, 16), found[2]});
    }
  }
  return functions;
}

/// Instructions that match a pattern from their first character on.
inline std::ptrdiff_t count(const Code& code, const char* pattern) {
  const std::regex regex(pattern);
  return std::count_if(code.begin(), code.end(), [&](const Instruction& i) {
    return std::regex_search(i.text, regex, std::regex_constants::match_continuous);
  });
}

/// The shortest loop with enough instructions that match: from a jump's target to the jump back. Empty when there is none.
inline Code tightest_loop(const Code& code, const char* pattern, std::ptrdiff_t at_least = 1) {
  static const std::regex jump(
      "^(?:j[a-z]+|b(?:\\.[a-z]+)?|cbn?z[ \t]+[wx][0-9]+,|tbn?z[ \t]+[wx][0-9]+, #[0-9a-fx]+,)"
      "[ \t]+(?:0x)?([0-9a-f]+) .*");
  Code tightest;
  std::smatch found;
  for (const Instruction& end : code) {
    if (!std::regex_match(end.text, found, jump)) {
      continue;
    }
    const unsigned long begin = std::stoul(found[1], nullptr, 16);
    Code loop;
    std::copy_if(code.begin(), code.end(), std::back_inserter(loop),
                 [&](const Instruction& i) { return i.address >= begin && i.address <= end.address; });
    if (count(loop, pattern) >= at_least && (tightest.empty() || loop.size() < tightest.size())) {
      tightest = loop;
    }
  }
  return tightest;
}

}  // namespace house
