// SPDX-License-Identifier: Apache-2.0
/// @file arguments.cpp
/// Help, exit codes, and one line on stderr for every failure.
#include <doctest/doctest.h>

#include "support.hpp"

using test::command;

TEST_CASE("help and version exit 0 and write to stdout only") {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--help"},
                                             {"-h"},
                                             {"--version"},
                                             {"run", "--help"},
                                             {"inspect", "--help"},
                                             {"bench", "--help"},
                                             {"check", "--help"},
                                             {"targets", "--help"},
                                             {"generate", "--help"},
                                             {"run", "MODEL", "--help"}}) {
    const auto result = command(arguments);
    CHECK(result.code == 0);
    CHECK(result.err.empty());
    CHECK(result.out.size() > 5);
  }
  CHECK(command({"--version"}).out.starts_with("kinglet 0."));
  CHECK(command({"bench", "--help"}).out.find("--runs") != std::string::npos);
}

TEST_CASE("bad usage is one line and exit code 2") {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {},
           {"fly"},
           {"--wings"},
           {"run", "--wings"},
           {"run", "m.tflite"},
           {"run", "m.tflite", "extra", "--image", "x.png"},
           {"run", "m.tflite", "--image"},
           {"run", "m.tflite", "--input", "x.bin"},
           {"run", "m.tflite", "--input", "x.bin", "--output", "y.bin", "--image", "x.png"},
           {"run", "m.tflite", "--input", "x.bin", "--output", "y.bin", "--labels", "l.txt"},
           {"run", "--top", "0"},
           {"run", "--top", "many"},
           {"run", "--conform", "tensorflow"},
           {"run", "--mean", "1,2,3"},
           {"run", "--std", "1,2,3"},
           {"run", "--mean", "1,2", "--std", "1"},
           {"run", "--mean", "1,x,3", "--std", "1"},
           {"run", "--mean", "1,2,3,", "--std", "1"},
           {"run", "--mean", "nan", "--std", "1"},
           {"run", "--mean", "", "--std", ""},
           {"run", ""},
           {"run", "--image", ""},
           {"run", "m.tflite", "--input", "", "--output", "x"},
           {"generate", ""},
           {"run", "--mean", "1,2,3", "--std", "1,0,1"},
           {"inspect"},
           {"inspect", "--json"},
           {"bench", "--runs", "0"},
           {"bench", "--runs", "-3"},
           {"check"},
           {"generate"},
           {"generate", "x.tflite", "--size", "7"},
           {"generate", "x.tflite", "--width", "0"},
           {"generate", "x.tflite", "--classes", "1e9"}}) {
    const auto result = command(arguments);
    CAPTURE(result.err);
    CHECK(result.is_error(2));
  }
}

TEST_CASE("files that cannot be read are one line and exit code 1") {
  const test::Folder folder;
  const std::string good = folder.path("good.tflite");
  const test::Bytes bytes = test::copying_model(2, 2, 3);
  test::write(good, bytes);
  REQUIRE(command({"check", good}).code == 0);
  test::write(folder.path("cut.tflite"), test::Bytes(bytes.begin(), bytes.begin() + 100));
  test::write(folder.path("empty.tflite"), std::string());
  test::write(folder.path("text.tflite"), std::string(1000, 'x'));
  for (const char* name : {"absent.tflite", "cut.tflite", "empty.tflite", "text.tflite", "."}) {
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"run", folder.path(name), "--image", "x.png"},
                                               {"inspect", folder.path(name)},
                                               {"inspect", folder.path(name), "--json"},
                                               {"bench", folder.path(name)},
                                               {"check", folder.path(name)}}) {
      const auto result = command(arguments);
      CAPTURE(result.err);
      CHECK(result.is_error(1));
    }
  }
  CHECK(command({"check", folder.path(".")}).err.find("directory") != std::string::npos);
  // A name with a line break stays one line.
  CHECK(command({"check", folder.path("two\nlines")}).is_error(1));
}

TEST_CASE("standard output that cannot take the text is an error") {
  if (!std::filesystem::exists("/dev/full")) {
    MESSAGE("skipped: there is no /dev/full");
    return;
  }
  const test::Folder folder;
  for (const char* arguments : {"--help", "--version", "run --image /dev/null"}) {
    const std::string line =
        std::string("'") + KINGLET_CLI + "' " + arguments + " >/dev/full 2>'" + folder.path("err") + "'";
    CHECK(std::system(line.c_str()) != 0);
    CHECK(test::read_text(folder.path("err")).starts_with("kinglet: error: "));
  }
}
