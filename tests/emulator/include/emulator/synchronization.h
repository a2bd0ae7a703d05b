// Barriers, fences, votes, shuffles and atomic operations of CUDA C++.
#pragma once

#include "emulator/engine.h"

namespace weir::emulator {

template <class T>
struct Shuffle {
  T value;
  int source;  // lane; outside 0 to 31: the lane's own value
  T result;
};

template <class T>
void shuffle(void* const* payloads, unsigned mask) {
  for (int lane = 0; lane < 32; ++lane) {
    if (payloads[lane] == nullptr) continue;
    auto& mine = *static_cast<Shuffle<T>*>(payloads[lane]);
    const bool inside = mine.source >= 0 && mine.source < 32 && (mask >> mine.source & 1u);
    // A lane outside the mask has no defined value: its bits here are all ones, a NaN.
    if (!inside || payloads[mine.source] == nullptr) {
      __builtin_memset(&mine.result, 0xff, sizeof(T));
    } else {
      mine.result = static_cast<Shuffle<T>*>(payloads[mine.source])->value;
    }
  }
}

template <class T>
T shuffle_from(unsigned mask, T value, int source, const char* name, Site site) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle moves 4 or 8 bytes");
  Shuffle<T> exchange{value, source, value};
  collective(name, mask, &shuffle<T>, &exchange, site);
  return exchange.result;
}

inline int lane() {
  const BuiltIns& now = *built_ins;
  return static_cast<int>(
      (now.thread.x + now.block_size.x * (now.thread.y + now.block_size.y * now.thread.z)) % 32);
}

struct Ballot {
  unsigned value;
  unsigned votes;
};

// votes: for each lane the mask of lanes whose value satisfies the operation.
inline void ballot(void* const* payloads, unsigned) {
  unsigned votes = 0;
  for (int i = 0; i < 32; ++i) {
    if (payloads[i] != nullptr && static_cast<Ballot*>(payloads[i])->value != 0) votes |= 1u << i;
  }
  for (int i = 0; i < 32; ++i) {
    if (payloads[i] != nullptr) static_cast<Ballot*>(payloads[i])->votes = votes;
  }
}
inline void match(void* const* payloads, unsigned) {
  for (int i = 0; i < 32; ++i) {
    if (payloads[i] == nullptr) continue;
    auto& mine = *static_cast<Ballot*>(payloads[i]);
    mine.votes = 0;
    for (int j = 0; j < 32; ++j) {
      if (payloads[j] != nullptr && static_cast<Ballot*>(payloads[j])->value == mine.value)
        mine.votes |= 1u << j;
    }
  }
}
inline void meet(void* const*, unsigned) {}

template <class T, class Combine>
T reduce(unsigned mask, T value, Combine, const char* name, Site site) {
  struct Term {
    T value, result;
  } term{value, value};
  collective(
      name, mask,
      [](void* const* payloads, unsigned) {
        bool first = true;
        T total{};
        for (int i = 0; i < 32; ++i) {
          if (payloads[i] == nullptr) continue;
          const T value = static_cast<Term*>(payloads[i])->value;
          total = first ? value : Combine{}(total, value);
          first = false;
        }
        for (int i = 0; i < 32; ++i) {
          if (payloads[i] != nullptr) static_cast<Term*>(payloads[i])->result = total;
        }
      },
      &term, site);
  return term.result;
}

}  // namespace weir::emulator

#define WEIR_SITE ::weir::emulator::Site site = ::weir::emulator::Site::here()

inline void __syncthreads(WEIR_SITE) {
  using namespace weir::emulator;
  barrier_sync(0, kAllThreads, Vote::none, false, site);
}
inline int __syncthreads_or(int predicate, WEIR_SITE) {
  using namespace weir::emulator;
  return barrier_sync(0, kAllThreads, Vote::any, predicate != 0, site);
}
inline int __syncthreads_and(int predicate, WEIR_SITE) {
  using namespace weir::emulator;
  return barrier_sync(0, kAllThreads, Vote::all, predicate != 0, site);
}
inline int __syncthreads_count(int predicate, WEIR_SITE) {
  using namespace weir::emulator;
  return barrier_sync(0, kAllThreads, Vote::count, predicate != 0, site);
}
inline void __syncwarp(unsigned mask = 0xffffffffu, WEIR_SITE) {
  weir::emulator::collective("__syncwarp", mask, &weir::emulator::meet, &mask, site);
}
// A fence orders one thread's accesses; fibers that switch only in calls never see them out of order.
inline void __threadfence(WEIR_SITE) {
  weir::emulator::yield("__threadfence", site);
}
inline void __threadfence_block() {}
inline void __threadfence_system() {}
inline void __nanosleep(unsigned, WEIR_SITE) {
  weir::emulator::spin("__nanosleep", site);
}
inline void __trap(WEIR_SITE) {
  weir::emulator::fail("__trap", site);
}
inline long long clock64() {
  return 0;
}

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, WEIR_SITE) {
  const int lane = weir::emulator::lane();
  return weir::emulator::shuffle_from(mask, value, (lane & ~(width - 1)) + (source & (width - 1)),
                                      "__shfl_sync", site);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32, WEIR_SITE) {
  const int lane = weir::emulator::lane();
  const int source = lane ^ lane_mask;
  return weir::emulator::shuffle_from(mask, value, source <= (lane | (width - 1)) ? source : lane,
                                      "__shfl_xor_sync", site);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, WEIR_SITE) {
  const int lane = weir::emulator::lane();
  const int source = lane + static_cast<int>(delta);
  return weir::emulator::shuffle_from(mask, value, source <= (lane | (width - 1)) ? source : lane,
                                      "__shfl_down_sync", site);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, WEIR_SITE) {
  const int lane = weir::emulator::lane();
  const int source = lane - static_cast<int>(delta);
  return weir::emulator::shuffle_from(mask, value, source >= (lane & ~(width - 1)) ? source : lane,
                                      "__shfl_up_sync", site);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, WEIR_SITE) {
  weir::emulator::Ballot vote{predicate != 0, 0};
  weir::emulator::collective("__ballot_sync", mask, &weir::emulator::ballot, &vote, site);
  return vote.votes;
}
inline int __any_sync(unsigned mask, int predicate, WEIR_SITE) {
  return __ballot_sync(mask, predicate, site) != 0;
}
inline int __all_sync(unsigned mask, int predicate, WEIR_SITE) {
  return __ballot_sync(mask, !predicate, site) == 0;
}
inline unsigned __match_any_sync(unsigned mask, unsigned value, WEIR_SITE) {
  weir::emulator::Ballot vote{value, 0};
  weir::emulator::collective("__match_any_sync", mask, &weir::emulator::match, &vote, site);
  return vote.votes;
}
/// The threads of a warp diverge freely here, so the caller alone is certainly converged with itself.
inline unsigned __activemask() {
  return 1u << weir::emulator::lane();
}

#define WEIR_REDUCE(type, name, expression)                                           \
  inline type name(unsigned mask, type value, WEIR_SITE) {                            \
    return weir::emulator::reduce(                                                    \
        mask, value, [](type a, type b) -> type { return expression; }, #name, site); \
  }
WEIR_REDUCE(unsigned, __reduce_add_sync, a + b)
WEIR_REDUCE(unsigned, __reduce_min_sync, a < b ? a : b)
WEIR_REDUCE(unsigned, __reduce_max_sync, a < b ? b : a)
WEIR_REDUCE(unsigned, __reduce_and_sync, a& b)
WEIR_REDUCE(unsigned, __reduce_or_sync, a | b)
WEIR_REDUCE(int, __reduce_add_sync, a + b)
WEIR_REDUCE(int, __reduce_min_sync, a < b ? a : b)
WEIR_REDUCE(int, __reduce_max_sync, a < b ? b : a)

// Fibers switch only in calls, so what follows the yield is atomic.
#define WEIR_ATOMIC(name, parameters, expression)              \
  template <class T>                                           \
  T name parameters {                                          \
    weir::emulator::yield(#name, site);                        \
    weir::emulator::count_reduction(address, sizeof *address); \
    const T old = *address;                                    \
    *address = expression;                                     \
    return old;                                                \
  }
template <class T>
struct WeirSame {
  using Type = T;
};
#define WEIR_OPERAND typename WeirSame<T>::Type
WEIR_ATOMIC(atomicAdd, (T * address, WEIR_OPERAND value, WEIR_SITE), static_cast<T>(old + value))
WEIR_ATOMIC(atomicSub, (T * address, WEIR_OPERAND value, WEIR_SITE), static_cast<T>(old - value))
WEIR_ATOMIC(atomicExch, (T * address, WEIR_OPERAND value, WEIR_SITE), value)
WEIR_ATOMIC(atomicMin, (T * address, WEIR_OPERAND value, WEIR_SITE), value < old ? value : old)
WEIR_ATOMIC(atomicMax, (T * address, WEIR_OPERAND value, WEIR_SITE), old < value ? value : old)
WEIR_ATOMIC(atomicAnd, (T * address, WEIR_OPERAND value, WEIR_SITE), old& value)
WEIR_ATOMIC(atomicOr, (T * address, WEIR_OPERAND value, WEIR_SITE), old | value)
WEIR_ATOMIC(atomicXor, (T * address, WEIR_OPERAND value, WEIR_SITE), old ^ value)
WEIR_ATOMIC(atomicInc, (T * address, WEIR_OPERAND limit, WEIR_SITE), old >= limit ? 0 : old + 1)
WEIR_ATOMIC(atomicDec, (T * address, WEIR_OPERAND limit, WEIR_SITE),
            old == 0 || old > limit ? limit : old - 1)
template <class T>
T atomicCAS(T* address, WEIR_OPERAND expected, WEIR_OPERAND desired, WEIR_SITE) {
  weir::emulator::spin("atomicCAS", site);
  const T old = *address;
  if (old == expected) *address = desired;
  return old;
}

#define WEIR_LOAD(name)                                                   \
  template <class T>                                                      \
  T name(const T* address, WEIR_SITE) {                                   \
    weir::emulator::check_global(address, sizeof(T), false, #name, site); \
    return *address;                                                      \
  }
WEIR_LOAD(__ldg)
WEIR_LOAD(__ldca)
WEIR_LOAD(__ldcg)
WEIR_LOAD(__ldcs)
WEIR_LOAD(__ldlu)
WEIR_LOAD(__ldcv)
#define WEIR_STORE(name)                                                 \
  template <class T>                                                     \
  void name(T* address, WEIR_OPERAND value, WEIR_SITE) {                 \
    weir::emulator::check_global(address, sizeof(T), true, #name, site); \
    *address = value;                                                    \
  }
WEIR_STORE(__stwb)
WEIR_STORE(__stcg)
WEIR_STORE(__stcs)
WEIR_STORE(__stwt)
