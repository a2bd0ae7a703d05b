#include "gpu/nvrtc.h"

namespace weir {
namespace {

constexpr int kSuccess = 0;
constexpr int kCompilationError = 6;  // NVRTC_ERROR_COMPILATION

}  // namespace

Result<Nvrtc> Nvrtc::open() {
  const std::string advice =
      "Install the CUDA toolkit (or pip's nvidia-cuda-nvrtc) and set CUDA_HOME to its folder.";
  Result<SharedLibrary> library = open_toolkit_library({"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"},
                                                       {"libnvrtc-builtins.so"}, advice);
  if (!library) return library.error();
  Nvrtc nvrtc;
  nvrtc.shared_object_ = library.value();
  const SharedLibrary& lib = nvrtc.shared_object_;
  const bool complete =
      lib.find("nvrtcVersion", nvrtc.version_) && lib.find("nvrtcGetErrorString", nvrtc.error_string_) &&
      lib.find("nvrtcCreateProgram", nvrtc.create_) && lib.find("nvrtcCompileProgram", nvrtc.compile_) &&
      lib.find("nvrtcDestroyProgram", nvrtc.destroy_) &&
      lib.find("nvrtcGetProgramLogSize", nvrtc.log_size_) && lib.find("nvrtcGetProgramLog", nvrtc.log_) &&
      lib.find("nvrtcGetCUBINSize", nvrtc.cubin_size_) && lib.find("nvrtcGetCUBIN", nvrtc.cubin_) &&
      lib.find("nvrtcGetNumSupportedArchs", nvrtc.architecture_count_) &&
      lib.find("nvrtcGetSupportedArchs", nvrtc.architectures_);
  if (!complete) return Error{ErrorKind::missing, lib.file().string() + " is too old to make cubins", advice};
  return nvrtc;
}

std::pair<int, int> Nvrtc::release() const {
  std::pair<int, int> release;
  version_(&release.first, &release.second);
  return release;
}

std::string Nvrtc::version() const {
  const auto [major, minor] = release();
  return "NVRTC " + std::to_string(major) + "." + std::to_string(minor);
}

std::vector<int> Nvrtc::architectures() const {
  int count = 0;
  if (architecture_count_(&count) != kSuccess) return {};
  std::vector<int> all(static_cast<std::size_t>(count));
  if (architectures_(all.data()) != kSuccess) return {};
  return all;
}

Result<NvrtcOutput> Nvrtc::compile(const std::string& name, const std::string& source,
                                   const std::vector<NvrtcHeader>& headers,
                                   const std::vector<std::string>& options) const {
  std::vector<const char*> header_names, header_texts, arguments;
  for (const NvrtcHeader& header : headers) {
    header_names.push_back(header.name.c_str());
    header_texts.push_back(header.text.c_str());
  }
  for (const std::string& option : options) arguments.push_back(option.c_str());

  auto failure = [&](const char* call, Code code) {
    return Error{ErrorKind::unexpected, std::string(call) + " (" + name + "): " + error_string_(code), ""};
  };
  Program program = nullptr;
  Code code = create_(&program, source.c_str(), name.c_str(), static_cast<int>(headers.size()),
                      header_texts.data(), header_names.data());
  if (code != kSuccess) return failure("nvrtcCreateProgram", code);
  struct Owner {
    const Nvrtc& nvrtc;
    Program& program;
    ~Owner() { nvrtc.destroy_(&program); }
  } owner{*this, program};

  NvrtcOutput output;
  const Code compiled = compile_(program, static_cast<int>(arguments.size()), arguments.data());
  std::size_t size = 0;
  if (log_size_(program, &size) == kSuccess && size > 1) {
    output.log.resize(size);
    log_(program, output.log.data());
    output.log.resize(size - 1);  // the terminating zero
  }
  if (compiled == kCompilationError) return output;
  if (compiled != kSuccess)
    return Error{ErrorKind::failed, failure("nvrtcCompileProgram", compiled).message + "\n" + output.log, ""};
  if ((code = cubin_size_(program, &size)) != kSuccess) return failure("nvrtcGetCUBINSize", code);
  output.cubin.resize(size);
  if ((code = cubin_(program, output.cubin.data())) != kSuccess) return failure("nvrtcGetCUBIN", code);
  output.ok = true;
  return output;
}

}  // namespace weir
