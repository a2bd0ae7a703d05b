// The C ABI over Catalog and the driver. Every entry point catches everything.
#include "runtime/weir.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "gpu/device_facts.h"
#include "runtime/catalog.h"
#include "runtime/launcher.h"

namespace {

// Warns once per reason, so that a hot loop does not repeat itself; bounded, so that it does not grow either.
class Log {
 public:
  Log(weir_log_callback callback, void* user) : callback_(callback), user_(user) {}

  void warn(const std::string& message) {
    if (callback_ == nullptr) return;
    {
      const std::lock_guard lock(mutex_);
      if (seen_.size() >= kLargest || !seen_.insert(message).second) return;
    }
    callback_(user_, message.c_str());
  }

 private:
  static constexpr std::size_t kLargest = 256;
  weir_log_callback callback_;
  void* user_;
  std::mutex mutex_;
  std::set<std::string> seen_;
};

weir_status status_of(weir::ErrorKind kind) {
  switch (kind) {
    case weir::ErrorKind::usage:
      return WEIR_ERROR_ARGUMENT;
    case weir::ErrorKind::missing:
      return WEIR_ERROR_MISSING;
    case weir::ErrorKind::corrupt:
      return WEIR_ERROR_CORRUPT;
    case weir::ErrorKind::no_device:
      return WEIR_ERROR_NO_DEVICE;
    case weir::ErrorKind::failed:
      return WEIR_ERROR_DRIVER;
    default:
      return WEIR_ERROR_UNEXPECTED;
  }
}

weir_status report(weir_error* error, weir_status status, const char* message) noexcept {
  if (error != nullptr && error->struct_size >= sizeof(weir_error)) {
    error->status = status;
    std::strncpy(error->message, message, sizeof error->message - 1);
    error->message[sizeof error->message - 1] = '\0';
  }
  return status;
}

weir_status report(weir_error* error, const weir::Error& what) {
  return report(error, status_of(what.kind), weir::to_string(what).c_str());
}

// Copies as many members as the caller's version of the structure has.
template <typename T>
weir_status copy_out(T value, T* to) {
  const std::size_t size = to->struct_size;
  if (size < sizeof(std::size_t)) return WEIR_ERROR_ARGUMENT;
  value.struct_size = size;
  std::memcpy(to, &value, std::min(size, sizeof value));
  return WEIR_OK;
}

template <typename T>
T copy_in(const T* from) {
  T value{};
  if (from != nullptr) std::memcpy(&value, from, std::min(from->struct_size, sizeof value));
  return value;
}

weir::Result<weir::StoredDevice> device_of(const weir_options& options) {
  if (options.device != nullptr) {
    const weir_device device = copy_in(options.device);
    return weir::StoredDevice{device.name ? device.name : "",
                              {.compute_capability = device.compute_capability,
                               .sm_count = device.sm_count,
                               .max_threads_per_sm = device.max_threads_per_sm,
                               .registers_per_sm = device.registers_per_sm,
                               .shared_bytes_per_sm = device.shared_bytes_per_sm,
                               .shared_bytes_per_block = device.shared_bytes_per_block,
                               .l2_bytes = device.l2_bytes}};
  }
  weir::Result<const weir::Driver*> driver = weir::open_driver();
  if (!driver) return driver.error();
  weir::Result<weir::DeviceFacts> facts = weir::query_device(**driver, options.device_ordinal);
  if (!facts) return facts.error();
  return weir::StoredDevice{facts->name, facts->limits};
}

weir_role role_of(weir::Role role) {
  switch (role) {
    case weir::Role::in:
      return WEIR_ROLE_IN;
    case weir::Role::out:
      return WEIR_ROLE_OUT;
    case weir::Role::inout:
      return WEIR_ROLE_INOUT;
    case weir::Role::scratch:
      return WEIR_ROLE_SCRATCH;
  }
  return WEIR_ROLE_SCRATCH;
}

// What an application has to provide for a table that a launch takes.
weir::TensorLayout as_tensor(const std::string& name, std::size_t entries) {
  return {.name = name,
          .role = weir::Role::in,
          .element = weir::Element::i32,
          .shape = {static_cast<std::int64_t>(entries)},
          .strides_elements = {1},
          .alignment_bytes = 4};
}

}  // namespace

struct weir_file {
  weir::Catalog catalog;
  mutable Log log;
};

struct weir_kernel {
  explicit weir_kernel(weir::Pick chosen) : pick(std::move(chosen)) {
    if (!pick.candidate) return;
    launcher.emplace(*pick.candidate, pick.cubin);
    tensors = pick.candidate->tensors;
    for (const std::size_t table : weir::argument_tables(*pick.candidate)) {
      const std::size_t entries = pick.candidate->tables[table].size();
      if (entries > 0) tensors.push_back(as_tensor(pick.candidate->table_names[table], entries));
    }
  }
  weir::Pick pick;
  std::vector<weir::TensorLayout> tensors;  // the candidate's, then its argument tables that have entries
  std::optional<weir::Launcher> launcher;
};

extern "C" {

int weir_abi_version(void) {
  return WEIR_ABI_VERSION;
}

const char* weir_status_name(weir_status status) {
  switch (status) {
    case WEIR_OK:
      return "ok";
    case WEIR_ERROR_ARGUMENT:
      return "argument";
    case WEIR_ERROR_MISSING:
      return "missing";
    case WEIR_ERROR_CORRUPT:
      return "corrupt";
    case WEIR_ERROR_NO_DEVICE:
      return "no device";
    case WEIR_ERROR_DRIVER:
      return "driver";
    case WEIR_ERROR_UNEXPECTED:
      return "unexpected";
  }
  return "unknown";
}

weir_status weir_open(const char* path, const weir_options* options, weir_file** file, weir_error* error) {
  if (file != nullptr) *file = nullptr;
  if (path == nullptr || file == nullptr)
    return report(error, WEIR_ERROR_ARGUMENT, "weir_open: a null pointer");
  try {
    const weir_options given = copy_in(options);
    weir::Result<weir::StoredDevice> device = device_of(given);
    if (!device) return report(error, device.error());
    weir::Result<weir::Catalog> catalog = weir::Catalog::open(path, *device);
    if (!catalog) return report(error, catalog.error());
    *file = new weir_file{std::move(*catalog), Log(given.log, given.log_user)};
    return WEIR_OK;
  } catch (const std::exception& exception) {
    return report(error, WEIR_ERROR_UNEXPECTED, exception.what());
  } catch (...) {
    return report(error, WEIR_ERROR_UNEXPECTED, "weir_open failed");
  }
}

void weir_close(weir_file* file) {
  delete file;
}

weir_status weir_pick(const weir_file* file, const char* kernel, const char* problem, weir_kernel** picked) {
  return weir_pick_with_tables(file, kernel, problem, nullptr, 0, picked);
}

weir_status weir_pick_with_tables(const weir_file* file, const char* kernel, const char* problem,
                                  const weir_table* tables, size_t table_count, weir_kernel** picked) {
  if (picked != nullptr) *picked = nullptr;
  if (file == nullptr || kernel == nullptr || problem == nullptr || picked == nullptr ||
      (tables == nullptr && table_count > 0)) {
    return WEIR_ERROR_ARGUMENT;
  }
  try {
    std::map<std::string, std::vector<std::int64_t>> values;
    for (size_t i = 0; i < table_count; ++i) {
      const weir_table& table = tables[i];
      if (table.name == nullptr || (table.values == nullptr && table.count > 0)) return WEIR_ERROR_ARGUMENT;
      values[table.name].assign(table.values, table.values + table.count);
    }
    auto chosen = std::make_unique<weir_kernel>(file->catalog.pick(kernel, problem, values));
    if (chosen->pick.match == weir::Match::none) {
      file->log.warn(std::string("weir: no kernel for ") + kernel + " " + problem + ": " +
                     chosen->pick.reason);
    }
    *picked = chosen.release();
    return WEIR_OK;
  } catch (...) {
    return WEIR_ERROR_UNEXPECTED;
  }
}

void weir_release(weir_kernel* kernel) {
  delete kernel;
}

weir_status weir_pick_info(const weir_kernel* kernel, weir_kernel_info* info) {
  if (kernel == nullptr || info == nullptr) return WEIR_ERROR_ARGUMENT;
  const weir::Pick& pick = kernel->pick;
  return copy_out(weir_kernel_info{.struct_size = 0,
                                   .match = static_cast<weir_match>(pick.match),
                                   .reason = pick.reason.c_str(),
                                   .kernel = pick.kernel.c_str(),
                                   .problem = pick.problem.c_str(),
                                   .config = pick.config.c_str(),
                                   .launches = pick.candidate ? pick.candidate->launches.size() : 0,
                                   .tensors = kernel->tensors.size(),
                                   .median_seconds = pick.median_seconds,
                                   .predicted_dram_bytes = pick.predicted_dram_bytes,
                                   .uncalibrated_traffic = pick.uncalibrated.traffic.c_str()},
                  info);
}

weir_status weir_pick_tensor(const weir_kernel* kernel, size_t index, weir_tensor_info* info) {
  if (kernel == nullptr || info == nullptr || index >= kernel->tensors.size()) return WEIR_ERROR_ARGUMENT;
  const weir::TensorLayout& tensor = kernel->tensors[index];
  return copy_out(weir_tensor_info{.struct_size = 0,
                                   .name = tensor.name.c_str(),
                                   .role = role_of(tensor.role),
                                   .element = weir::to_string(tensor.element),
                                   .rank = tensor.shape.size(),
                                   .shape = tensor.shape.data(),
                                   .strides = tensor.strides_elements.data(),
                                   .bytes = weir::extent_bytes(tensor),
                                   .alignment_bytes = tensor.alignment_bytes,
                                   .zero_before_launch = tensor.fill == weir::Fill::zero ? 1 : 0},
                  info);
}

weir_status weir_launch(weir_kernel* kernel, void* stream, const weir_tensor* tensors, size_t tensor_count,
                        weir_error* error) {
  if (kernel == nullptr || (tensors == nullptr && tensor_count > 0)) {
    return report(error, WEIR_ERROR_ARGUMENT, "weir_launch: a null pointer");
  }
  if (!kernel->launcher) return report(error, WEIR_ERROR_MISSING, kernel->pick.reason.c_str());
  try {
    std::vector<std::pair<const char*, std::uint64_t>> pointers;
    pointers.reserve(tensor_count);
    for (size_t i = 0; i < tensor_count; ++i) {
      if (tensors[i].name == nullptr)
        return report(error, WEIR_ERROR_ARGUMENT, "weir_launch: a tensor without a name");
      pointers.emplace_back(tensors[i].name, tensors[i].device_pointer);
    }
    const weir::Status launched = kernel->launcher->launch(static_cast<weir::cuda::Stream>(stream), pointers);
    return launched ? WEIR_OK : report(error, launched.error());
  } catch (const std::exception& exception) {
    return report(error, WEIR_ERROR_UNEXPECTED, exception.what());
  } catch (...) {
    return report(error, WEIR_ERROR_UNEXPECTED, "weir_launch failed");
  }
}

}  // extern "C"
