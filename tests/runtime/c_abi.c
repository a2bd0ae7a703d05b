/* weir.h from C: the header compiles, and every function takes null pointers and old structures. Returns the line of the first
 * expectation that does not hold, or 0. */
#include "runtime/weir.h"

#include <string.h>

#define EXPECT(condition) \
  if (!(condition)) return __LINE__

int c_abi_test(const char* ship_file, const char* damaged_file) {
  weir_device device = {sizeof device, "NVIDIA H100 80GB HBM3", 90, 132, 2048, 65536, 233472, 232448, 52428800};
  weir_options options = {sizeof options, 0, &device, NULL, NULL};
  weir_error error = {sizeof error, WEIR_OK, ""};
  weir_file* file = NULL;
  weir_kernel* kernel = NULL;
  weir_kernel_info info = {sizeof info, WEIR_MATCH_NONE, NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL};
  weir_tensor_info tensor = {sizeof tensor, NULL, WEIR_ROLE_IN, NULL, 0, NULL, NULL, 0, 0, 0};
  weir_tensor tensors[1] = {{"x", 256}};
  size_t small[2] = {0, 0};

  EXPECT(weir_abi_version() == WEIR_ABI_VERSION);
  EXPECT(strcmp(weir_status_name(WEIR_ERROR_CORRUPT), "corrupt") == 0);

  EXPECT(weir_open(NULL, &options, &file, &error) == WEIR_ERROR_ARGUMENT && error.status == WEIR_ERROR_ARGUMENT);
  EXPECT(weir_open(ship_file, &options, NULL, NULL) == WEIR_ERROR_ARGUMENT);
  EXPECT(weir_open("/nonexistent.weir", &options, &file, &error) == WEIR_ERROR_MISSING && file == NULL);
  EXPECT(strstr(error.message, "/nonexistent.weir") != NULL);
  EXPECT(weir_open(damaged_file, &options, &file, &error) == WEIR_ERROR_CORRUPT && file == NULL);

  EXPECT(weir_open(ship_file, &options, &file, NULL) == WEIR_OK && file != NULL);
  EXPECT(weir_pick(NULL, "scale", "n=1", &kernel) == WEIR_ERROR_ARGUMENT);
  EXPECT(weir_pick(file, NULL, "n=1", &kernel) == WEIR_ERROR_ARGUMENT);
  EXPECT(weir_pick(file, "scale", NULL, &kernel) == WEIR_ERROR_ARGUMENT);
  EXPECT(weir_pick(file, "scale", "n=1", NULL) == WEIR_ERROR_ARGUMENT);
  EXPECT(weir_pick_with_tables(file, "scale", "n=1", NULL, 1, &kernel) == WEIR_ERROR_ARGUMENT);

  EXPECT(weir_pick(file, "scale", "n=0", &kernel) == WEIR_OK && kernel != NULL);
  EXPECT(weir_pick_info(kernel, &info) == WEIR_OK && info.match == WEIR_MATCH_NONE && info.tensors == 0);
  EXPECT(info.config[0] == '\0' && info.reason[0] != '\0');
  EXPECT(weir_launch(kernel, NULL, tensors, 1, &error) == WEIR_ERROR_MISSING);
  EXPECT(weir_pick_tensor(kernel, 0, &tensor) == WEIR_ERROR_ARGUMENT);
  weir_release(kernel);

  EXPECT(weir_pick(file, "scale", "n=1000", &kernel) == WEIR_OK);
  weir_close(file); /* the pick stays usable */
  EXPECT(weir_pick_info(kernel, NULL) == WEIR_ERROR_ARGUMENT);
  EXPECT(weir_pick_info(NULL, &info) == WEIR_ERROR_ARGUMENT);
  EXPECT(weir_pick_info(kernel, &info) == WEIR_OK && info.match == WEIR_MATCH_EXACT);
  EXPECT(strcmp(info.config, "tile=256,variant=plain") == 0 && strcmp(info.problem, "n=1000,wide=false") == 0);
  EXPECT(info.launches == 1 && info.tensors == 2 && info.median_seconds == 1e-6);
  EXPECT(strcmp(info.uncalibrated_traffic, "not recorded") == 0); /* the row's prediction does not say */
  EXPECT(weir_pick_tensor(kernel, 1, &tensor) == WEIR_OK && strcmp(tensor.name, "y") == 0);
  EXPECT(tensor.role == WEIR_ROLE_OUT && strcmp(tensor.element, "f32") == 0 && tensor.rank == 1);
  EXPECT(tensor.shape[0] == 1000 && tensor.strides[0] == 1 && tensor.bytes == 4000 && tensor.alignment_bytes == 64);
  EXPECT(weir_pick_tensor(kernel, 2, &tensor) == WEIR_ERROR_ARGUMENT);

  /* A caller that was built with a smaller structure: nothing beyond it is touched. */
  small[0] = sizeof(size_t);
  small[1] = 12345;
  EXPECT(weir_pick_info(kernel, (weir_kernel_info*)(void*)small) == WEIR_OK && small[1] == 12345);
  small[0] = 0;
  EXPECT(weir_pick_info(kernel, (weir_kernel_info*)(void*)small) == WEIR_ERROR_ARGUMENT);

  EXPECT(weir_launch(NULL, NULL, tensors, 1, &error) == WEIR_ERROR_ARGUMENT);
  EXPECT(weir_launch(kernel, NULL, NULL, 1, &error) == WEIR_ERROR_ARGUMENT);
  EXPECT(weir_launch(kernel, NULL, tensors, 1, &error) == WEIR_ERROR_ARGUMENT);
  EXPECT(strstr(error.message, "'y'") != NULL);
  weir_release(kernel);
  weir_release(NULL);
  weir_close(NULL);
  return 0;
}
