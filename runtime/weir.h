/* Weir's runtime: picks a tuned kernel from a published file and launches it. C ABI, version 1.
 *
 *   weir_file* file = NULL;
 *   weir_options options = {sizeof options};                      // device 0, no messages
 *   if (weir_open("kernels.weir", &options, &file, NULL) == WEIR_OK) {
 *     weir_kernel* kernel = NULL;
 *     weir_pick(file, "gemm", "m=4096,n=4096,k=4096", &kernel);
 *     weir_tensor tensors[] = {{"a", a}, {"b", b}, {"c", c}};
 *     if (weir_launch(kernel, stream, tensors, 3, NULL) != WEIR_OK) { ... your own kernel ... }
 *     weir_release(kernel);
 *   }
 *   weir_close(file);
 *
 * Nothing here throws, prints, exits, or keeps state outside its handles. Every pointer may be NULL: that is
 * an argument error or, for weir_release, weir_close and the optional parameters, nothing. A structure's
 * first member is its size as the caller knows it; later versions only add members at the end.
 */
#ifndef WEIR_H
#define WEIR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WEIR_API __attribute__((visibility("default")))
#else
#define WEIR_API
#endif

#define WEIR_ABI_VERSION 1

typedef enum weir_status {
  WEIR_OK = 0,
  WEIR_ERROR_ARGUMENT =
      1, /* a null pointer, a tensor that is missing or misaligned, a work file instead of a published one */
  WEIR_ERROR_MISSING = 2,   /* no such file; launching a pick of WEIR_MATCH_NONE */
  WEIR_ERROR_CORRUPT = 3,   /* the file is damaged, or of a newer version */
  WEIR_ERROR_NO_DEVICE = 4, /* no GPU, no driver, no such ordinal, no current context */
  WEIR_ERROR_DRIVER = 5,    /* loading or launching failed; the message has the driver's words */
  WEIR_ERROR_UNEXPECTED = 6 /* out of memory, unreadable file */
} weir_status;

/* How well a pick matches, best first. */
typedef enum weir_match {
  WEIR_MATCH_EXACT = 0,        /* measured and verified for this problem on this GPU model */
  WEIR_MATCH_NEAR_PROBLEM = 1, /* measured and verified on this GPU model for a problem of similar sizes */
  WEIR_MATCH_NEAR_DEVICE = 2,  /* measured and verified on another GPU model of this compute capability */
  WEIR_MATCH_DEFAULT = 3,      /* the kernel's safe default, verified for other problems */
  WEIR_MATCH_NONE = 4          /* nothing that may run: use a kernel of your own */
} weir_match;

typedef enum weir_role {
  WEIR_ROLE_IN = 0,
  WEIR_ROLE_OUT = 1,
  WEIR_ROLE_INOUT = 2,
  WEIR_ROLE_SCRATCH = 3
} weir_role;

typedef struct weir_file weir_file;     /* what a published file offers on one device */
typedef struct weir_kernel weir_kernel; /* one pick; stays usable after weir_close */

/* Filled by a call that fails. */
typedef struct weir_error {
  size_t struct_size;
  weir_status status;
  char message[1024]; /* what happened to what, and what to do about it */
} weir_error;

/* Called with one warning for each distinct reason why a pick is WEIR_MATCH_NONE. May be called from any
 * thread that picks. */
typedef void (*weir_log_callback)(void* user, const char* message);

/* A device described by the caller, for picking without a GPU. */
typedef struct weir_device {
  size_t struct_size;
  const char* name;           /* as the driver says it: "NVIDIA H100 80GB HBM3" */
  int64_t compute_capability; /* major * 10 + minor */
  int64_t sm_count;
  int64_t max_threads_per_sm;
  int64_t registers_per_sm;
  int64_t shared_bytes_per_sm;
  int64_t shared_bytes_per_block; /* the opt-in maximum */
  int64_t l2_bytes;
} weir_device;

typedef struct weir_options {
  size_t struct_size;
  int device_ordinal;        /* the CUDA device to pick for; ignored if `device` is given */
  const weir_device* device; /* NULL: ask the driver */
  weir_log_callback log;     /* NULL: silence */
  void* log_user;
} weir_options;

/* An integer table of a problem (a block mask, sequence lengths): what the pick is made for. A kernel that
 * reads it gets it at launch from the device, as 32-bit integers; it is then listed after the kernel's
 * tensors. */
typedef struct weir_table {
  const char* name;
  const int64_t* values;
  size_t count;
} weir_table;

typedef struct weir_kernel_info {
  size_t struct_size;
  weir_match match;
  const char* reason; /* one sentence; strings live as long as the kernel */
  const char* kernel;
  const char* problem; /* with defaults filled in */
  const char* config;  /* "tile_m=128,tile_n=128,…"; empty for WEIR_MATCH_NONE */
  size_t launches;
  size_t tensors;              /* tables that launches take included, if they are not empty */
  double median_seconds;       /* as the tuner measured it with a cold L2; 0 unless exact */
  double predicted_dram_bytes; /* read and written; 0 unless exact */
  /* What that prediction rests on that nobody measured on this GPU model; empty: it is calibrated. */
  const char* uncalibrated_traffic;
} weir_kernel_info;

typedef struct weir_tensor_info {
  size_t struct_size;
  const char* name;
  weir_role role;
  const char* element; /* "bf16", "f32", … */
  size_t rank;
  const int64_t* shape;   /* elements */
  const int64_t* strides; /* elements */
  int64_t bytes;          /* what must be allocated */
  int64_t alignment_bytes;
  int zero_before_launch; /* 1: must hold zeros when the launch begins */
} weir_tensor_info;

typedef struct weir_tensor {
  const char* name;
  uint64_t device_pointer; /* CUdeviceptr */
} weir_tensor;

WEIR_API int weir_abi_version(void);
WEIR_API const char* weir_status_name(weir_status status);

/* Checks the whole file, reads what the device can use, and closes the file. `options` and `error` may be
 * NULL. */
WEIR_API weir_status weir_open(const char* path, const weir_options* options, weir_file** file,
                               weir_error* error);
WEIR_API void weir_close(weir_file* file);

/* `problem` is "k=v,k=v". Returns WEIR_OK and a kernel even if nothing fits: then its match is
 * WEIR_MATCH_NONE and its reason says why. Thread-safe. */
/* Real parameters are decimal numbers; formulas are text, in which commas inside parentheses do not separate:
 * "seq_q=1024,softcap=30,score=score - 0.5 * abs(q_index - k_index)". */
WEIR_API weir_status weir_pick(const weir_file* file, const char* kernel, const char* problem,
                               weir_kernel** picked);
/* The same for a problem with integer tables. */
WEIR_API weir_status weir_pick_with_tables(const weir_file* file, const char* kernel, const char* problem,
                                           const weir_table* tables, size_t table_count,
                                           weir_kernel** picked);
/* Unloads its modules: release it before their context is destroyed and after its launches have finished. */
WEIR_API void weir_release(weir_kernel* kernel);

/* Set info->struct_size first. Thread-safe. */
WEIR_API weir_status weir_pick_info(const weir_kernel* kernel, weir_kernel_info* info);
WEIR_API weir_status weir_pick_tensor(const weir_kernel* kernel, size_t index, weir_tensor_info* info);

/* Queues the kernel's launches, in order, on `stream` (a CUstream; NULL is the default stream) of the calling
 * thread's current context. Every tensor of the kernel must be given, scratch too, and every table that
 * its launches take, unless it is empty; the order is free. The
 * first launch in a context loads the module. Thread-safe. `error` may be NULL. */
WEIR_API weir_status weir_launch(weir_kernel* kernel, void* stream, const weir_tensor* tensors,
                                 size_t tensor_count, weir_error* error);

#ifdef __cplusplus
}
#endif

#endif
