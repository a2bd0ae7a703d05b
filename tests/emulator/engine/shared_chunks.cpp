#include "engine/shared_chunks.h"

#include <string>

namespace weir::emulator {
namespace {

constexpr unsigned kDynamicWindow = 1024;  // as in memory_operations.cpp

int* writer_of(unsigned address) {
  std::vector<int>& chunks = Scheduler::current()->block().unfenced;
  const std::size_t chunk = (address - kDynamicWindow) / 16;
  return address >= kDynamicWindow && chunk < chunks.size() ? &chunks[chunk] : nullptr;
}

}  // namespace

unsigned char* shared_in(const Block& block, unsigned address) {
  return reinterpret_cast<unsigned char*>(block.shared->data()) + (address - kDynamicWindow);
}

void mark_unfenced(unsigned address) {
  int* writer = writer_of(address);
  if (writer == nullptr) return;
  Thread& thread = Scheduler::current()->thread();
  *writer = thread.number;
  thread.unfenced.push_back((address - kDynamicWindow) / 16);
}

void check_fenced(unsigned address, const char* reader, Site site) {
  const int* writer = writer_of(address);
  if (writer == nullptr || *writer < 0) return;
  Scheduler::current()->note_failure(std::string(reader) + " reads what thread " + std::to_string(*writer) +
                                     " wrote without fence.proxy.async (" + text_of(site) + ")");
  Scheduler::current()->leave();
}

}  // namespace weir::emulator
