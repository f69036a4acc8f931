// SPDX-License-Identifier: Apache-2.0
// fuzz_model_seed FOLDER MODEL...: writes inputs for fuzz_model to start from: a model with every operator, and the
// given ones. Files of more than 64 KiB are left out: changing their weights finds nothing.
#include <runtime/every_operator.hpp>
#include <support/data.hpp>

namespace {
void write(const std::filesystem::path& to, const std::vector<std::byte>& file) {
  std::ofstream out(to, std::ios::binary);
  out.put('\0');  // the byte of choice
  out.write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
}
}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  write(folder / "every_operator", test::every_operator());
  for (int i = 2; i < argc; ++i) {
    const auto file = test::read_file(argv[i]);
    if (file.size() <= 65536) {
      write(folder / std::filesystem::path(argv[i]).stem(), file);
    }
  }
  return 0;
}
