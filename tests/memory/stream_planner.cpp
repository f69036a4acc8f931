// SPDX-License-Identifier: Apache-2.0
/// @file memory/stream_planner.cpp
/// Chains of operators row by row. Networks made at random run on memory whose bytes know which row of which tensor they
/// hold: no operator may find another row where it reads.
#include <doctest/doctest.h>

#include <kinglet/kernels/stream/pipeline.hpp>
#include <kinglet/memory/stream_planner.hpp>
#include <numeric>
#include <string>
#include <support/random.hpp>
#include <vector>

namespace {

using namespace kinglet;

/// @param scratch bytes for the fewest rows  @param more for each width more
void set_batches(StepRequest& step, const std::int32_t (&rows)[row_widths], std::size_t scratch = 0,
                 std::size_t more = 0) {
  for (std::size_t width = 0; width < row_widths; ++width) {
    step.batches[width] = {rows[width], scratch + width * more};
  }
}

/// Steps and tensors, and the memory that planning works in.
struct Network {
  std::size_t alignment = 16;
  std::uint64_t call_work = 0;
  std::vector<StepRequest> steps;
  std::vector<LineRequest> lines;
  std::vector<BufferRequest> tensors;
  std::vector<BufferRequest> buffers;
  std::vector<RowLink> links;
  std::size_t arena = 0;
  std::size_t bound = 0;

  std::int32_t add_tensor(std::int32_t rows, std::size_t row_bytes, std::int32_t made) {
    BufferRequest tensor;
    LineRequest line;
    line.rows = rows;
    line.row_bytes = row_bytes;
    line.made = made;
    use_buffer(tensor, static_cast<std::size_t>(rows) * row_bytes, made);
    tensors.push_back(tensor);
    lines.push_back(line);
    return static_cast<std::int32_t>(tensors.size()) - 1;
  }
  [[nodiscard]] std::int32_t next_step() const { return static_cast<std::int32_t>(steps.size()); }
  [[nodiscard]] std::int32_t rows(std::int32_t tensor) const {
    return lines[static_cast<std::size_t>(tensor)].rows;
  }

  void read(std::int32_t tensor, std::int32_t step) {
    BufferRequest& request = tensors[static_cast<std::size_t>(tensor)];
    use_buffer(request, request.bytes, step);
  }
  /// Input(s) with one window -> an output with rows of `row_bytes`.
  std::int32_t add_step(std::vector<std::int32_t> inputs, StepRequest step, std::size_t row_bytes) {
    const std::int32_t index = next_step();
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      step.inputs[k] = inputs[k];
      read(inputs[k], index);
    }
    step.input_rows = rows(inputs[0]);
    step.output = add_tensor(step.mode == RowMode::fold ? 1 : step.rows, row_bytes, index);
    steps.push_back(step);
    return step.output;
  }

  void plan(Aim aim) {
    buffers = tensors;
    links.resize(steps.size());
    for (std::size_t k = 0; k < steps.size(); ++k) {
      BufferRequest scratch;
      scratch.bytes = steps[k].whole_scratch;
      scratch.lifetime = {static_cast<std::int32_t>(k), static_cast<std::int32_t>(k)};
      steps[k].scratch = static_cast<std::int32_t>(buffers.size());
      buffers.push_back(scratch);
    }
    arena = plan_streams({steps, lines, buffers, links, alignment, call_work}, aim);
    bound = memory_lower_bound(buffers);
  }
};

/// A network's run, on memory that knows what it holds.
class Machine {
 public:
  explicit Machine(Network& network) : n_(network), memory_(network.arena) {
    for (std::size_t t = 0; t < n_.lines.size(); ++t) {
      if (n_.lines[t].made < 0) {
        write(static_cast<std::int32_t>(t), 0, 0, n_.lines[t].rows);
      }
    }
  }

  void run() {
    for (std::size_t i = 0; i < n_.steps.size();) {
      const StepRequest& step = n_.steps[i];
      if (!step.streams()) {
        run_whole(step);
        ++i;
        continue;
      }
      REQUIRE(step.chain_first == static_cast<std::int32_t>(i));
      const auto count = static_cast<std::size_t>(step.chain_last - step.chain_first + 1);
      run_chain(i, count);
      i += count;
    }
    for (std::size_t t = 0; t < n_.lines.size(); ++t) {
      if (n_.tensors[t].lifetime.last == n_.next_step()) {  // an output of the network
        check(static_cast<std::int32_t>(t), 0, 0, n_.lines[t].rows);
      }
    }
  }

  /// Rows that were read on the other side of where their memory goes round.
  [[nodiscard]] int rounds() const { return rounds_; }
  /// How often the rows on a belt were moved.
  [[nodiscard]] int belts() const { return belts_; }
  /// Operators at once whose outputs lay over their inputs, lower.
  [[nodiscard]] int in_order() const { return in_order_; }

 private:
  struct Cell {
    std::int32_t tensor = -1;
    std::int32_t row = -1;
    bool operator==(const Cell&) const = default;
  };

  std::size_t address(std::int32_t tensor, std::int32_t at) const {
    const auto t = static_cast<std::size_t>(tensor);
    return n_.buffers[t].offset + static_cast<std::size_t>(at) * n_.lines[t].row_bytes;
  }
  /// Rows [row, row + count) lie from row `at` of the tensor's memory on.
  void write(std::int32_t tensor, std::int32_t at, std::int32_t row, std::int32_t count) {
    const std::size_t bytes = n_.lines[static_cast<std::size_t>(tensor)].row_bytes;
    REQUIRE(address(tensor, at + count) <= memory_.size());
    for (std::size_t b = 0; b < bytes * static_cast<std::size_t>(count); ++b) {
      memory_[address(tensor, at) + b] = {tensor, row + static_cast<std::int32_t>(b / bytes)};
    }
  }
  void check(std::int32_t tensor, std::int32_t at, std::int32_t row, std::int32_t count) {
    const std::size_t bytes = n_.lines[static_cast<std::size_t>(tensor)].row_bytes;
    std::size_t wrong = 0;
    const Cell* cell = memory_.data() + address(tensor, at);
    for (std::int32_t r = 0; r < count; ++r) {
      const Cell expected{tensor, row + r};
      for (std::size_t b = 0; b < bytes; ++b, ++cell) {
        wrong += *cell == expected ? 0 : 1;
      }
    }
    if (wrong != 0) {  // millions of times it is not
      INFO("tensor ", tensor, " rows ", row, " + ", count);
      REQUIRE(wrong == 0);
    }
  }
  void spoil(const StepRequest& step) {
    const BufferRequest& scratch = n_.buffers[static_cast<std::size_t>(step.scratch)];
    REQUIRE(scratch.offset + scratch.bytes <= memory_.size());
    std::fill_n(memory_.begin() + static_cast<std::ptrdiff_t>(scratch.offset), scratch.bytes, Cell{});
  }

  void run_whole(const StepRequest& step) {
    spoil(step);
    for (const std::int32_t t : step.inputs) {
      if (t != no_buffer) {
        check(t, 0, 0, n_.rows(t));
      }
    }
    if (step.follows != no_buffer) {
      run_in_order(step);
      return;
    }
    write(step.output, 0, 0, n_.rows(step.output));
    // What it does not write over stays readable while it runs.
    for (std::size_t k = 0; k < 2; ++k) {
      const std::int32_t t = step.inputs[k];
      if (t != no_buffer && address(t, 0) != address(step.output, 0)) {
        check(t, 0, 0, n_.rows(t));
      }
    }
  }

  /// At once, but row after row.
  void run_in_order(const StepRequest& step) {
    const std::int32_t input = step.inputs[0];
    REQUIRE(step.follow_step != 0);
    REQUIRE(step.follows == input);
    for (std::int32_t y = 0; y < step.rows; ++y) {
      const std::int32_t first = std::max<std::int32_t>(step.window.first(y), 0);
      const std::int32_t rows = std::max(std::min(step.window.end(y), step.input_rows) - first, 0);
      check(input, first, first, rows);
      write(step.output, y, y, 1);
      check(input, first, first, rows);  // it is read until the last pixel is written
    }
    if (n_.buffers[static_cast<std::size_t>(step.output)].shares_with != no_buffer) {  // not only apart
      REQUIRE((address(input, 0) - address(step.output, 0)) % step.follow_step == 0);
      ++in_order_;
    }
  }

  /// As the executor does, with cells for bytes.
  void run_chain(std::size_t first, std::size_t count) {
    const std::span<RowLink> chain(n_.links.data() + first, count);
    const auto memory_of = [&](std::size_t k) {  // asked only when rows move
      REQUIRE_FALSE(chain[k].whole_output);
      belts_ += chain[k].belt_end != RowLink::outside ? 1 : 0;
      const std::int32_t tensor = n_.steps[first + k].output;
      return stream::LineMemory{reinterpret_cast<std::byte*>(memory_.data() + address(tensor, 0)),
                                n_.lines[static_cast<std::size_t>(tensor)].row_bytes * sizeof(Cell)};
    };
    stream::run_chain(chain, memory_of, [&](std::size_t k, const stream::RowSlice& slice) {
      REQUIRE(slice.count > 0);
      REQUIRE(slice.count <= n_.steps[first + k].rows_at_once());
      make_rows(n_.steps[first + k], chain[k], slice);
    });
    for (std::size_t k = 0; k < count; ++k) {
      CHECK((chain[k].done() || !chain[k].whole_output));
    }
  }
  /// As kernels have it: no less for more rows, and for any number no more than the larger of two.
  static std::size_t scratch_for(const StepRequest& step, std::int32_t rows) {
    const auto enough =
        std::ranges::find_if(step.batches, [rows](const RowBatch& b) { return b.rows >= rows; });
    const std::size_t any = std::max(step.batches[more_rows].scratch, step.whole_scratch);
    return enough == std::end(step.batches) ? any
           : step.belted                    ? std::min(enough->scratch, any)
                                            : enough->scratch;
  }
  /// @param link only how much memory it has counts
  void make_rows(const StepRequest& step, const RowLink& link, const stream::RowSlice& slice) {
    if (step.mode == RowMode::fold) {
      check_window(step, slice, slice.first, slice.count, 3);
      if (slice.last) {
        write(step.output, 0, 0, 1);
      }
      return;
    }
    spoil(step);
    REQUIRE(n_.buffers[static_cast<std::size_t>(step.scratch)].bytes >= scratch_for(step, slice.count));
    REQUIRE(slice.output_at >= 0);
    REQUIRE(slice.output_at + slice.count <= link.stored);
    if (step.belted && step.is_on_belt) {  // one row after another, each from what it reads
      for (std::int32_t y = 0; y < slice.count; ++y) {
        check_window(step, slice, slice.first + y, 1, 3);
        write(step.output, slice.output_at + y, slice.first + y, 1);
        check_window(step, slice, slice.first + y, 1,
                     step.follow_step != 0 ? 3 : 0);  // read until the last pixel
      }
      return;
    }
    check_window(step, slice, slice.first, slice.count, 3);
    write(step.output, slice.output_at, slice.first, slice.count);
    std::uint32_t kept = 0;  // inputs that it does not write exactly over
    for (std::size_t k = 0; k < 2; ++k) {
      const std::int32_t t = step.inputs[k];
      const bool over = t != no_buffer && ((step.overwrites >> k) & 1U) != 0 &&
                        address(t, slice.input_at[k]) == address(step.output, slice.output_at);
      kept |= over ? 0U : 1U << k;
    }
    check_window(step, slice, slice.first, slice.count, kept);
  }
  /// The rows under the window of rows y to y + count - 1 lie where the slice says. @param inputs bit k: input k
  void check_window(const StepRequest& step, const stream::RowSlice& slice, std::int32_t y,
                    std::int32_t count, std::uint32_t inputs) {
    const std::int32_t top = std::max<std::int32_t>(step.window.first(slice.first), 0);  // of the slice
    for (std::size_t k = 0; k < 2; ++k) {
      if (step.inputs[k] == no_buffer || ((inputs >> k) & 1U) == 0) {
        continue;
      }
      for (std::int32_t row = std::max<std::int32_t>(step.window.first(y), 0);
           row < std::min(step.window.end(y + count - 1), step.input_rows); ++row) {
        const std::int32_t straight = slice.input_at[k] + row - top;
        const bool apart = k == 0 && slice.ring != 0 && straight >= slice.ring;
        check(step.inputs[k], apart ? straight - slice.ring : straight, row, 1);
        // Only who takes it sees rows that go round.
        if (row - top >= slice.input_rows || (apart && !step.takes_ring)) {
          FAIL("a row that the slice does not have, or that its operator does not see");
        }
        rounds_ += apart ? 1 : 0;
      }
    }
    REQUIRE(slice.above == std::max<std::int32_t>(-step.window.first(slice.first), 0));
  }

  Network& n_;
  std::vector<Cell> memory_;
  int rounds_ = 0;
  int in_order_ = 0;
  int belts_ = 0;
};

/// Windows of all kinds, residual connections, outputs in the middle, operators that cannot stream.
enum class Writes : std::uint8_t {
  apart,  ///< only sums may lie over what is added
  over,   ///< all make as many rows at once; those of one row write over their input, which is as long
  lower,  ///< those of one row write over their input, which is as long or longer; others follow behind it
};
Network random_network(std::uint64_t seed, Writes writes = Writes::apart) {
  const bool overwrites = writes == Writes::over;
  test::Random random(seed);
  Network n;
  const int input_rows = random.in(1, 40);  // drawn one by one: compilers order arguments as they like
  const int input_bytes = random.in(1, 9) * 8;
  std::vector<std::int32_t> all = {n.add_tensor(input_rows, static_cast<std::size_t>(input_bytes), -1)};
  const int steps = random.in(1, 14);
  for (int i = 0; i < steps; ++i) {
    StepRequest step;
    step.mode = random.one_in(12) ? RowMode::none : RowMode::rows;
    const int batch = random.in(1, 3);
    const auto row_scratch = static_cast<std::size_t>(random.in(0, 20));
    if (overwrites) {
      set_batches(step, {2, 3, 6}, row_scratch, row_scratch);
    } else if (random.one_in(4)) {  // whose rows may go round
      set_batches(step, {1, 1, 1}, row_scratch);
    } else {
      set_batches(step, {batch, 2 * batch, 4 * batch}, row_scratch, row_scratch);
    }
    step.takes_ring = random.one_in(2);
    step.whole_scratch = static_cast<std::size_t>(random.in(0, 40));
    step.work = static_cast<std::uint64_t>(random.in(1, 1'000'000));
    const std::int32_t from =
        random.one_in(4) ? all[static_cast<std::size_t>(random.in(0, static_cast<int>(all.size()) - 1))]
                         : all.back();
    const std::int32_t rows = n.rows(from);
    const auto bytes = static_cast<std::size_t>(random.in(1, 9) * 8);
    if (random.one_in(3)) {  // add, to any tensor of that shape
      std::int32_t other = from;
      for (const std::int32_t t : all) {
        other = n.rows(t) == rows && n.lines[static_cast<std::size_t>(t)].row_bytes ==
                                         n.lines[static_cast<std::size_t>(from)].row_bytes
                    ? t
                    : other;
        if (random.one_in(2) && other != from) {
          break;
        }
      }
      step.rows = rows;
      step.overwrites = static_cast<std::uint32_t>(random.in(0, 3));
      all.push_back(n.add_step({from, other}, step, n.lines[static_cast<std::size_t>(from)].row_bytes));
      continue;
    }
    step.window = {random.in(1, 3), random.in(0, 3), random.in(1, 5)};
    step.rows = random.one_in(2) ? (rows + step.window.stride - 1) / step.window.stride
                                 : std::max(1, (rows - step.window.reach) / step.window.stride + 1);
    std::size_t output_bytes = bytes;
    if (random.one_in(3)) {
      step.window = {};
      step.rows = rows;
      if (overwrites) {  // as some pointwise convolutions
        step.overwrites = 1;
        output_bytes = n.lines[static_cast<std::size_t>(from)].row_bytes;
      } else if (writes == Writes::lower) {
        step.overwrites = 1;
        output_bytes = std::min(bytes, n.lines[static_cast<std::size_t>(from)].row_bytes);
      }
    } else if (writes == Writes::lower) {  // as depthwise convolutions
      step.follow_step = static_cast<std::size_t>(random.in(1, 5) * 8);
      output_bytes = n.lines[static_cast<std::size_t>(from)].row_bytes;
    }
    all.push_back(n.add_step({from}, step, output_bytes));
  }
  if (random.one_in(2)) {
    StepRequest fold;
    fold.mode = RowMode::fold;
    fold.rows = n.rows(all.back());
    const int batch = random.in(1, 3);
    set_batches(fold, {batch, 2 * batch, 4 * batch}, 24);
    all.push_back(n.add_step({all.back()}, fold, 24));
  }
  n.read(all.back(), n.next_step());
  if (random.one_in(3)) {
    n.read(all[static_cast<std::size_t>(random.in(0, static_cast<int>(all.size()) - 1))], n.next_step());
  }
  return n;
}

/// Windows and operators in place that take turns on rows of one length, in a chain that begins and ends with others.
Network belt_network(std::uint64_t seed) {
  test::Random random(seed);
  Network n;
  const int input_rows = random.in(8, 60);
  const int input_bytes = random.in(1, 9) * 8;
  const auto row_bytes = static_cast<std::size_t>(random.in(4, 20) * 8);
  std::int32_t last = n.add_tensor(input_rows, static_cast<std::size_t>(input_bytes), -1);
  const auto add = [&](const RowWindow& window, std::int32_t rows, std::size_t bytes, bool in_order) {
    StepRequest step;
    step.mode = RowMode::rows;
    step.window = window;
    step.rows = rows;
    set_batches(step, {2, 3, 6}, static_cast<std::size_t>(random.in(0, 20)), 8);
    step.takes_ring = in_order;
    step.follow_step = in_order ? 8 : 0;
    step.overwrites = !in_order && window.is_one_row() ? 1 : 0;
    step.whole_scratch = step.batches[0].scratch + 24;
    step.work = 10'000;
    last = n.add_step({last}, step, bytes);
  };
  const int lines_in_front = random.one_in(2) ? 0 : random.in(1, 3);  // of the belt's first operator
  for (int k = 0; k < lines_in_front; ++k) {
    add({1, 1, random.in(1, 3)}, input_rows, static_cast<std::size_t>(random.in(1, 9) * 8), false);
  }
  const int stride = random.in(1, 2);
  add({stride, random.in(0, 2), random.in(1, 5)}, (input_rows + stride - 1) / stride, row_bytes, false);
  const int steps = random.in(1, 8);
  for (int i = 0; i < steps; ++i) {
    if (random.one_in(2)) {
      add({}, n.rows(last), row_bytes, false);
    } else {
      const int before = random.in(0, 3);
      const int behind = random.in(0, 3);
      const int reach =
          random.one_in(15) ? 1 : before + behind + 1;  // as behind a PAD larger than the filter
      add({1, before, reach}, n.rows(last), row_bytes, true);
    }
  }
  for (int i = random.in(0, 2); i > 0; --i) {
    add({1, 1, 3}, n.rows(last), row_bytes / 2, false);
  }
  if (random.one_in(2)) {
    StepRequest fold;
    fold.mode = RowMode::fold;
    fold.rows = n.rows(last);
    set_batches(fold, {2, 3, 6}, 24);
    last = n.add_step({last}, fold, 24);
  }
  n.read(last, n.next_step());
  return n;
}

/// rows x row_bytes, 3x3 windows with SAME padding.
StepRequest window3(std::int32_t rows, std::int32_t stride) {
  StepRequest step;
  step.mode = RowMode::rows;
  step.window = {stride, stride == 1 ? 1 : 0, 3};
  step.rows = rows / stride;
  step.work = 1'000'000;
  return step;
}
StepRequest pointwise(std::int32_t rows) {
  StepRequest step;
  step.mode = RowMode::rows;
  step.rows = rows;
  step.work = 1'000'000;
  return step;
}

}  // namespace

TEST_CASE("random networks: no operator reads a row that another one has written over") {
  int streamed = 0;
  int followed = 0;
  int wide = 0;
  int widest = 0;
  int eager = 0;
  int larger = 0;
  int rounds = 0;
  for (std::uint64_t seed = 1; seed <= 8000; ++seed) {
    INFO("seed ", seed);
    Network n = random_network(seed);
    std::size_t at_once = 0;
    for (const Aim aim : {Aim::fast, Aim::automatic, Aim::small}) {
      n.alignment = std::size_t{16} << seed % 3;
      n.call_work = seed % 2 * 15'000;
      n.plan(aim);
      for (const BufferRequest& buffer : n.buffers) {
        REQUIRE(buffer.offset % n.alignment == 0);
      }
      at_once = aim == Aim::fast ? n.arena : at_once;
      larger += aim == Aim::automatic && n.arena > at_once ? 1 : 0;
      REQUIRE(n.arena != unplannable);
      REQUIRE(n.arena >= n.bound);
      for (const StepRequest& step : n.steps) {
        streamed += step.streams() ? 1 : 0;
        followed += step.follows != no_buffer ? 1 : 0;
        wide += step.width != fewest_rows ? 1 : 0;
        widest += step.width == most_rows ? 1 : 0;
        eager += step.surplus() != 0 ? 1 : 0;
        REQUIRE((aim != Aim::fast || !step.streams()));
      }
      Machine machine(n);
      machine.run();
      rounds += machine.rounds();
    }
  }
  CHECK(streamed > 10'000);  // else the networks test nothing
  CHECK(followed > 1'000);
  CHECK(wide > 300);
  CHECK(widest > 100);
  CHECK(eager > 100);
  CHECK(rounds > 800);
  CHECK(larger < 120);  // estimates know of no holes between buffers
}

TEST_CASE(
    "random networks whose operators write over what they read: no row is written over that is still read") {
  int over = 0;
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    INFO("seed ", seed);
    Network n = random_network(seed, Writes::over);
    for (const Aim aim : {Aim::fast, Aim::automatic, Aim::small}) {
      n.plan(aim);
      REQUIRE(n.arena >= n.bound);
      over += static_cast<int>(
          std::ranges::count_if(n.steps, [](const StepRequest& step) { return step.over != no_buffer; }));
      Machine(n).run();
    }
  }
  CHECK(over > 50);
}

TEST_CASE(
    "random networks whose operators at once follow behind what they read: no row is written over that is "
    "still read") {
  int lower = 0;
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    INFO("seed ", seed);
    Network n = random_network(seed, Writes::lower);
    n.alignment = std::size_t{8} << seed % 4;
    for (const Aim aim : {Aim::fast, Aim::automatic, Aim::small}) {
      n.plan(aim);
      REQUIRE(n.arena >= n.bound);
      Machine machine(n);
      machine.run();
      lower += machine.in_order();
    }
  }
  CHECK(lower > 1'000);
}

TEST_CASE("random chains with belts: no row is written over that is still read") {
  int belts = 0;
  int moved = 0;
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    INFO("seed ", seed);
    Network n = belt_network(seed);
    n.call_work = seed % 2 * 15'000;
    for (const Aim aim : {Aim::small, Aim::automatic, Aim::small}) {
      n.plan(aim);
      REQUIRE(n.arena >= n.bound);
      for (const StepRequest& step : n.steps) {
        REQUIRE((!step.belted || (step.width == fewest_rows && !step.eager)));
      }
      belts += std::ranges::any_of(n.steps, &StepRequest::belted) ? 1 : 0;
      Machine machine(n);
      machine.run();
      moved += machine.belts();
    }
  }
  CHECK(belts > 700);
  CHECK(moved > 2'000);
}

TEST_CASE("what a filter makes behind a PAD larger than itself lies on no belt") {
  Network n;
  const auto step = [](const RowWindow& window) {
    StepRequest made = window3(22, 1);
    made.window = window;
    made.follow_step = window.is_one_row() ? 0 : 8;
    made.overwrites = window.is_one_row() ? 1 : 0;
    set_batches(made, {2, 3, 6});
    return made;
  };
  std::int32_t at = n.add_tensor(22, 16, -1);
  at = n.add_step({at}, step({1, 2, 5}), 64);
  for (int i = 0; i < 2; ++i) {  // rows 0 to 2 read nothing, and may be there before all others
    at = n.add_step({at}, step({1, 3, 1}), 64);
  }
  for (int i = 0; i < 4; ++i) {
    at = n.add_step({at}, step({}), 64);
  }
  at = n.add_step({at}, step({}), 24);
  n.read(at, n.next_step());
  n.call_work = 1'000'000;
  n.plan(Aim::small);
  CHECK_FALSE(n.steps[1].is_on_belt);
  CHECK_FALSE(n.steps[2].is_on_belt);
  Machine(n).run();
}

TEST_CASE("lines in front of a belt are counted as long as they are") {
  const auto step = [](StepRequest made) {
    set_batches(made, {2, 3, 6});
    return made;
  };
  Network n;
  std::int32_t at = n.add_tensor(48, 16, -1);
  for (int i = 0; i < 4; ++i) {
    at = n.add_step({at}, step(window3(48, 1)), 160);
  }
  for (int i = 0; i < 4; ++i) {
    StepRequest filter = step(window3(48, 1));
    filter.follow_step = 16;
    at = n.add_step({at}, filter, 160);
    StepRequest last = step(pointwise(48));
    last.overwrites = 1;
    at = n.add_step({at}, last, 160);
  }
  StepRequest fold = step(pointwise(48));
  fold.mode = RowMode::fold;
  set_batches(fold, {2, 3, 6}, 256);
  at = n.add_step({at}, fold, 64);
  n.read(at, n.next_step());
  n.call_work = 100'000;
  n.plan(Aim::small);
  CHECK(n.steps[0].chain_last == 12);
  CHECK(n.steps[2].rows_at_once() == 3);
  CHECK(n.steps[3].belted);  // which it is not in a plan that turns out too large
  CHECK(n.steps[3].rows_at_once() == 8);
  CHECK(n.steps[11].rows_at_once() == 4);
  Machine(n).run();
}

TEST_CASE("a depthwise convolution at once takes no second image") {
  // SAME: a row of the output may lie on the row above its window; 64 bytes divide into rows, or not.
  for (const std::size_t pixel_bytes : {std::size_t{16}, std::size_t{24}}) {
    const std::size_t row_bytes = 10 * pixel_bytes;
    const std::size_t unit = std::lcm(pixel_bytes, std::size_t{64});
    Network n;
    n.alignment = 64;
    const std::int32_t image = n.add_tensor(20, row_bytes, -1);
    StepRequest same = window3(20, 1);
    same.follow_step = pixel_bytes;
    const std::int32_t wide = n.add_step({image}, same, row_bytes);
    StepRequest half = window3(20, 2);
    half.follow_step = pixel_bytes;
    const std::int32_t last = n.add_step({wide}, half, row_bytes / 2);
    n.read(last, n.next_step());
    n.plan(Aim::fast);
    Machine(n).run();
    const std::size_t lag = (2 * row_bytes + unit - 1) / unit * unit;
    const std::size_t half_lag = (row_bytes / 2 + unit - 1) / unit * unit;
    CHECK(n.arena == 20 * row_bytes + lag + half_lag);
  }
}

TEST_CASE("what ends on top for want of a lower place is placed before what lies there") {
  // Two inverted residuals, at once. In each order the second expansion finds the place where the first block's sum could
  // lie, which then finds none below the block's input.
  Network n;
  const auto at_once = [&](std::vector<std::int32_t> inputs, std::size_t bytes, std::size_t scratch,
                           std::uint32_t overwrites = 0) {
    StepRequest step;
    step.mode = RowMode::none;
    step.rows = 1;
    step.whole_scratch = scratch;
    step.overwrites = overwrites;
    return n.add_step(inputs, step, bytes);
  };
  const std::int32_t image = n.add_tensor(1, 3072, -1);
  const std::int32_t input = at_once({image}, 4096, 294);
  const std::int32_t expanded = at_once({input}, 16384, 4099);
  const std::int32_t filtered = at_once({expanded}, 16384, 0);
  const std::int32_t projected = at_once({filtered}, 4096, 0);
  const std::int32_t sum = at_once({input, projected}, 4096, 0, 3);
  const std::int32_t next = at_once({sum}, 16384, 4099);
  const std::int32_t smaller = at_once({next}, 4096, 0);
  const std::int32_t output = at_once({smaller}, 1536, 0);
  const std::int32_t end = n.next_step();
  n.read(output, end);
  n.alignment = 64;
  n.plan(Aim::fast);
  CHECK(n.bound == 4096 + 2 * 16384);
  CHECK(n.arena == n.bound);
}

TEST_CASE("an inverted residual holds as many expanded rows as its filter is tall") {
  Network n;
  const std::int32_t input = n.add_tensor(56, 56 * 24, -1);
  const std::int32_t expanded = n.add_step({input}, pointwise(56), 56 * 144);
  const std::int32_t filtered = n.add_step({expanded}, window3(56, 1), 56 * 144);
  const std::int32_t projected = n.add_step({filtered}, pointwise(56), 56 * 24);
  StepRequest add = pointwise(56);
  add.overwrites = 3;
  const std::int32_t output = n.add_step({input, projected}, add, 56 * 24);
  n.read(output, n.next_step());
  n.plan(Aim::small);
  const auto stored = [&](std::int32_t t) { return n.lines[static_cast<std::size_t>(t)].stored; };
  CHECK(n.steps[0].chain_first == 0);
  CHECK(n.steps[0].chain_last == 3);
  CHECK(stored(expanded) == 3);
  CHECK(stored(filtered) == 1);
  CHECK(stored(projected) == 1);
  // The output lies on the input; the projected row reuses nothing that is alive.
  CHECK(n.arena == 56 * 56 * 24 + 3 * 56 * 144 + 56 * 144 + 56 * 24);
  CHECK(n.arena == n.bound);
  Machine(n).run();
}

TEST_CASE("an output of fewer bytes a row follows right behind its input") {
  Network n;
  const std::int32_t input = n.add_tensor(64, 96, -1);
  const std::int32_t output = n.add_step({input}, window3(64, 2), 96);
  n.read(output, n.next_step());
  n.plan(Aim::small);
  CHECK(n.steps[0].follows == input);
  CHECK(n.steps[0].distance == 96);  // row 0 is written while rows 0 to 2 are read
  CHECK(n.arena == 65 * 96);
  Machine(n).run();
}

TEST_CASE("a whole network streams as one chain, through the mean over all rows") {
  Network n;
  std::int32_t at = n.add_tensor(48, 16, -1);
  for (int i = 0; i < 6; ++i) {
    at = n.add_step({at}, window3(48, 1), 64);
  }
  StepRequest fold = pointwise(48);
  fold.mode = RowMode::fold;
  set_batches(fold, {1, 1, 1}, 256);
  at = n.add_step({at}, fold, 64);
  n.read(at, n.next_step());
  n.plan(Aim::small);
  CHECK(n.steps[0].chain_last == 6);
  CHECK(n.arena == 48 * 16 + 5 * 3 * 64 + 64 + 256 + 64);
  Machine(n).run();
}

/// Filters 3 high and pointwise convolutions by turns, as in keyword networks, and the mean of what they make.
static Network separable_network(std::uint32_t overwrites) {
  Network n;
  const auto step = [](StepRequest made) {
    set_batches(made, {2, 3, 6});
    return made;
  };
  std::int32_t at = n.add_tensor(25, 16, -1);
  at = n.add_step({at}, step(window3(25, 1)), 320);
  for (int i = 0; i < 3; ++i) {
    at = n.add_step({at}, step(window3(25, 1)), 320);
    StepRequest last = step(pointwise(25));
    last.overwrites = overwrites;
    at = n.add_step({at}, last, 320);
  }
  StepRequest fold = step(pointwise(25));
  fold.mode = RowMode::fold;
  set_batches(fold, {2, 3, 6}, 256);
  at = n.add_step({at}, fold, 64);
  n.read(at, n.next_step());
  return n;
}

TEST_CASE("a convolution whose rows are read right behind it writes them over its input's") {
  constexpr std::size_t rows = 3 * 4;  // for three filters two rows at once, and for what the last pair makes
  constexpr std::size_t ends = 25 * 16 + 256 + 64;
  Network apart = separable_network(0);
  apart.plan(Aim::small);
  CHECK(apart.arena == (rows + 2 + 2) * 320 + ends);
  Machine(apart).run();
  Network n = separable_network(1);
  n.plan(Aim::small);
  CHECK(n.steps[0].chain_last == 7);
  CHECK(n.arena == (rows + 2) * 320 + ends);
  for (std::size_t k = 0; k < n.steps.size(); ++k) {
    CHECK(n.steps[k].over == (k == 6 ? n.steps[k].inputs[0] : no_buffer));
  }
  CHECK(n.links[5].feeds);
  CHECK(n.links[6].feeds);
  CHECK_FALSE(n.links[4].feeds);  // a filter reads more rows than it makes
  Machine(n).run();
}

TEST_CASE("what a residual connection reads does not lie over what it was made of") {
  for (const std::uint32_t overwrites : {0U, 1U}) {
    Network n;
    const std::int32_t input = n.add_tensor(32, 1000, -1);
    std::int32_t at = n.add_step({input}, pointwise(32), 2000);
    at = n.add_step({at}, window3(32, 1), 1000);
    StepRequest square = pointwise(32);
    square.overwrites = overwrites;
    at = n.add_step({at}, square, 1000);
    StepRequest add = pointwise(32);
    add.overwrites = 3;
    at = n.add_step({input, at}, add, 1000);
    n.read(at, n.next_step());
    n.plan(Aim::small);
    CHECK(n.steps[2].over == no_buffer);
    CHECK_FALSE(n.links[2].feeds);
    CHECK(n.links[1].feeds);
    CHECK(n.arena == 32 * 1000 + 3 * 2000 + 2 * 1008);
    Machine(n).run();
  }
}

TEST_CASE("where calls take much of the time, a small plan spends more memory on making them fewer") {
  Network n = separable_network(1);
  n.plan(Aim::small);
  const std::size_t least = n.arena;
  CHECK(n.steps[0].batch().rows == 2);
  for (StepRequest& step : n.steps) {
    step.work = 20'000;
  }
  n.call_work = 1'000;  // 12 calls more of each, for work of 20
  n.plan(Aim::small);
  for (const StepRequest& step : n.steps) {
    CHECK(step.batch().rows == 3);
  }
  CHECK(n.arena <= least + least / 4);
  Machine(n).run();
  n.call_work = 100;  // a tenth of it
  n.plan(Aim::small);
  CHECK(n.steps[0].batch().rows == 3);
  CHECK(n.arena > least + least / 12);
  CHECK(n.arena <= least + least / 6);
  Machine(n).run();
  n.call_work = 20;
  n.plan(Aim::small);
  CHECK(n.arena == least);
}

TEST_CASE(
    "where memory to spare is too little for all of a chain, its first operators make more rows at once") {
  const auto doubled = [](StepRequest step) {
    set_batches(step, {1, 2, 2});
    return step;
  };
  for (const std::int32_t stride : {1, 2}) {
    CAPTURE(stride);
    Network n;
    const std::int32_t input = n.add_tensor(64, 960, -1);
    const std::int32_t filtered = n.add_step({input}, doubled(window3(64, 1)), 400);
    const std::int32_t projected = n.add_step({filtered}, doubled(pointwise(64)), 400);
    const std::int32_t expanded = n.add_step({projected}, doubled(pointwise(64)), 8000);
    const std::int32_t output = n.add_step({expanded}, doubled(window3(64, stride)), 64);
    n.read(output, n.next_step());
    n.read(input, n.next_step());
    n.plan(Aim::small);
    REQUIRE(n.steps[0].chain_last == 3);
    CHECK(n.steps[0].batch().rows == 2);
    CHECK_FALSE(n.steps[0].eager);
    CHECK(n.steps[1].batch().rows == 2);
    CHECK(n.steps[1].eager == (stride == 1));  // its reader asks for one row
    CHECK(n.steps[2].batch().rows == stride);  // a reader that moves on by two rows asks for two
    CHECK_FALSE(n.steps[2].eager);
    CHECK(n.steps[3].batch().rows == 1);
    const auto stored = [&](std::int32_t t) { return n.lines[static_cast<std::size_t>(t)].stored; };
    CHECK(stored(filtered) == 2);
    CHECK(stored(projected) == 2);
    CHECK(stored(expanded) == 3);
    int turns[4] = {};
    count_stored_rows(n.links, [&](std::size_t k) { ++turns[k]; });
    CHECK(std::ranges::equal(turns, stride == 1 ? std::vector{32, 32, 64, 64} : std::vector{33, 33, 33, 32}));
    Machine(n).run();
  }
}

TEST_CASE("the shorter the rows of a chain's first operators, the more of them are made at once") {
  const auto widening = [](StepRequest step) {
    set_batches(step, {1, 2, 4});
    return step;
  };
  Network n;
  const std::int32_t input = n.add_tensor(64, 960, -1);
  std::int32_t at = n.add_step({input}, widening(window3(64, 1)), 400);
  at = n.add_step({at}, widening(pointwise(64)), 3000);
  at = n.add_step({at}, widening(window3(64, 1)), 3000);
  at = n.add_step({at}, widening(window3(64, 1)), 8000);
  at = n.add_step({at}, widening(window3(64, 1)), 64);
  n.read(at, n.next_step());
  n.read(input, n.next_step());
  n.plan(Aim::small);
  REQUIRE(n.steps[0].chain_last == 4);
  constexpr RowWidth expected[] = {most_rows, more_rows, more_rows, fewest_rows, fewest_rows};
  for (std::size_t k = 0; k < n.steps.size(); ++k) {
    CAPTURE(k);
    CHECK(n.steps[k].width == expected[k]);
  }
  Machine(n).run();
}

TEST_CASE("a network that was planned may be planned again") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    INFO("seed ", seed);
    Network n = random_network(seed);
    n.plan(Aim::small);
    const std::size_t first = n.arena;
    n.plan(Aim::automatic);
    n.plan(Aim::small);
    CHECK(n.arena == first);
  }
}

TEST_CASE("what no time may be lost for runs at once") {
  Network n;
  const std::int32_t input = n.add_tensor(32, 64, -1);
  StepRequest cheap = pointwise(32);
  cheap.work = 32;  // calling it 32 times costs more than what it does
  const std::int32_t middle = n.add_step({input}, cheap, 640);
  n.read(n.add_step({middle}, cheap, 64), n.next_step());
  n.plan(Aim::automatic);
  CHECK_FALSE(n.steps[0].streams());
  n.plan(Aim::small);
  CHECK(n.steps[0].streams());
}

TEST_CASE("strides, windows and images of any size are planned without overflow, and soon") {
  Network n;
  std::int32_t at = n.add_tensor(1, 64, -1);
  StepRequest far = pointwise(1);
  far.window = {1 << 24, 0, 1 << 24};
  for (int i = 0; i < 8; ++i) {  // the product of strides is 2^192
    at = n.add_step({at}, far, 64);
  }
  n.read(at, n.next_step());
  n.plan(Aim::small);
  CHECK(n.arena >= n.bound);
  Machine(n).run();

  Network tall;
  constexpr std::int32_t rows = 1 << 30;
  const std::int32_t middle = tall.add_step({tall.add_tensor(rows, 1, -1)}, pointwise(rows), 1);
  tall.read(tall.add_step({middle}, pointwise(rows), 1), tall.next_step());
  tall.plan(Aim::small);
  CHECK_FALSE(tall.steps[0].streams());
  CHECK_FALSE(tall.steps[1].streams());
}
