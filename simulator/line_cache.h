// The L2 line by line: the oracle that the cell model of l2_cache.h is compared with. It shares no code and
// no approximation with it: whole addresses, sectors with valid, dirty and partly written bytes, sets in LRU
// order, two partitions with copies of their own.
//
// A set here is not one of the hardware's, which has 16 or so lines and whose index is a secret hash: it is
// as many lines as make collisions of the hash negligible, and its capacity is drawn from the law by which
// reuse was measured to end (survival.h): set i of n holds the i-th quantile of that law. Real sets fill
// unevenly, and that is what the law measures.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace weir {

struct LineCacheParameters {
  double capacity_bytes = 0;
  double private_weight = 1;  // space that a byte takes: the lines that fit are capacity / private_weight
  double shared_weight = 1;   // (shared - private) / private of the lines have a copy on each side that reads
  double survival_width = 0.05;
  double dirty_capacity_bytes = 0;
  std::int64_t line_bytes = 128;  // at most 128
  std::int64_t sector_bytes = 32;
  std::int64_t read_granule_bytes = 64;
  double sampled_share =
      1;  // of the sets, at least: those are followed, and the rest is taken to be like them
  std::size_t tensors = 1;
};

class LineCache {
 public:
  explicit LineCache(const LineCacheParameters& parameters);

  // The bytes [begin, end) of the address space, which `tensor` owns, from an SM of `side` (0 or 1).
  void read(std::int64_t begin, std::int64_t end, int side, std::size_t tensor);
  void write(std::int64_t begin, std::int64_t end, int side, std::size_t tensor);
  void reduce(std::int64_t begin, std::int64_t end, int side, std::size_t tensor);

  // What DRAM moved so far for a tensor, scaled from the sampled sets by the tensor's own lines.
  double read_bytes(std::size_t tensor) const { return scaled(tensor, tensors_[tensor].read); }
  double written_bytes(std::size_t tensor) const { return scaled(tensor, tensors_[tensor].written); }
  double dirty_bytes() const;
  double sampled_share() const { return static_cast<double>(followed_) / static_cast<double>(all_sets_); }

 private:
  enum class Kind { read, write, reduce };
  using Index = std::uint32_t;
  static constexpr Index kNone = ~Index{0};
  static constexpr int kHalves = 2;  // 64-bit words of a line's byte mask

  struct Links {
    Index previous = kNone, next = kNone;
  };
  struct Line {
    std::uint64_t key = 0;
    Links age, written;  // younger and older lines of the set; later and earlier written lines of all sets
    std::array<std::uint64_t, kHalves> bytes{};  // written, of sectors that are not valid
    std::uint16_t set = 0;
    std::uint16_t tensor = 0;
    std::uint8_t valid = 0, dirty = 0;  // sectors
  };
  struct List {
    Index first = kNone, last = kNone;
  };
  struct Set {
    List ages;
    std::uint32_t lines = 0, capacity = 0;
  };
  struct Tensor {
    double read = 0, written = 0, dirty = 0;  // bytes, in followed sets
    double lines = 0, followed_lines = 0;     // touched
  };

  void access(Kind kind, std::int64_t begin, std::int64_t end, int side, std::size_t tensor);
  void touch(Kind kind, std::uint64_t line, std::uint64_t hash, std::int64_t first, std::int64_t last,
             int side, std::size_t tensor);
  bool was_written(std::uint64_t line) const { return line < written_once_.size() && written_once_[line]; }
  void mark_written(std::uint64_t line) {
    if (line >= written_once_.size()) written_once_.resize(2 * line + 1);
    written_once_[line] = true;
  }
  void fetch(Line& line, unsigned sectors);
  void store(Index index, std::int64_t first, std::int64_t last);
  void write_back(Index index);
  void evict(Index index);
  Index insert(std::uint64_t key, std::uint32_t set, std::size_t tensor);
  Index find(std::uint64_t key) const;
  void forget(std::uint64_t key);
  std::size_t slot_of(std::uint64_t key) const;
  unsigned sectors_of(std::int64_t first, std::int64_t last) const;
  double scaled(std::size_t tensor, double bytes) const;
  void move_to_front(Index index);
  void push_front(List& list, Links Line::*links, Index index);
  void unlink(List& list, Links Line::*links, Index index);

  LineCacheParameters parameters_;
  std::uint64_t duplicated_;             // lines whose hash is below have a copy on each side
  std::size_t all_sets_, followed_ = 0;  // of one partition
  double dirty_limit_;
  double dirty_ = 0;
  unsigned sectors_per_granule_;
  std::vector<Set> sets_;  // followed sets of partition 0, then of partition 1
  std::vector<Line> lines_;
  std::vector<Index> free_;
  std::vector<Index> table_;  // open addressing by key
  List written_;
  std::vector<bool> written_once_;  // by line
  std::vector<Tensor> tensors_;
};

}  // namespace weir
