// C++ over weir.h: handles that release themselves, failures as exceptions of the application's side.
// Header-only.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "weir.h"

namespace weir::runtime {

class Failure : public std::runtime_error {
 public:
  Failure(weir_status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  weir_status status() const { return status_; }

 private:
  weir_status status_;
};

// One pick. Move-only; may outlive its File.
class Kernel {
 public:
  explicit operator bool() const { return info().match != WEIR_MATCH_NONE; }

  weir_kernel_info info() const {
    weir_kernel_info info{};
    info.struct_size = sizeof info;
    weir_pick_info(handle_.get(), &info);
    return info;
  }

  std::vector<weir_tensor_info> tensors() const {
    std::vector<weir_tensor_info> all(info().tensors);
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].struct_size = sizeof all[i];
      weir_pick_tensor(handle_.get(), i, &all[i]);
    }
    return all;
  }

  // Throws Failure.
  void launch(void* stream, std::span<const weir_tensor> tensors) {
    weir_error error{};
    error.struct_size = sizeof error;
    const weir_status status = weir_launch(handle_.get(), stream, tensors.data(), tensors.size(), &error);
    if (status != WEIR_OK) throw Failure(status, error.message);
  }
  void launch(void* stream, std::initializer_list<weir_tensor> tensors) {
    launch(stream, std::span(tensors.begin(), tensors.size()));
  }

  weir_kernel* get() const { return handle_.get(); }

 private:
  friend class File;
  struct Release {
    void operator()(weir_kernel* kernel) const { weir_release(kernel); }
  };
  explicit Kernel(weir_kernel* handle) : handle_(handle) {}
  std::unique_ptr<weir_kernel, Release> handle_;
};

// A published file on one device. Move-only.
class File {
 public:
  // Throws Failure. `options.struct_size` is filled in here.
  explicit File(const std::string& path, weir_options options = {}) {
    options.struct_size = sizeof options;
    weir_error error{};
    error.struct_size = sizeof error;
    weir_file* file = nullptr;
    const weir_status status = weir_open(path.c_str(), &options, &file, &error);
    if (status != WEIR_OK) throw Failure(status, error.message);
    handle_.reset(file);
  }

  // False in a condition if nothing fits; info().reason says why.
  Kernel pick(const std::string& kernel, const std::string& problem) const {
    weir_kernel* picked = nullptr;
    const weir_status status = weir_pick(handle_.get(), kernel.c_str(), problem.c_str(), &picked);
    if (status != WEIR_OK) throw Failure(status, weir_status_name(status));
    return Kernel(picked);
  }

  // For a problem with integer tables.
  Kernel pick(const std::string& kernel, const std::string& problem,
              const std::map<std::string, std::vector<std::int64_t>>& tables) const {
    std::vector<weir_table> views;
    for (const auto& [name, values] : tables) views.push_back({name.c_str(), values.data(), values.size()});
    weir_kernel* picked = nullptr;
    const weir_status status = weir_pick_with_tables(handle_.get(), kernel.c_str(), problem.c_str(),
                                                     views.data(), views.size(), &picked);
    if (status != WEIR_OK) throw Failure(status, weir_status_name(status));
    return Kernel(picked);
  }

  weir_file* get() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(weir_file* file) const { weir_close(file); }
  };
  std::unique_ptr<weir_file, Close> handle_;
};

}  // namespace weir::runtime
