// What an emulated kernel sees before its first line: CUDA C++ as the emulator knows it.
#pragma once

#include "emulator/language.h"
#include "emulator/math.h"
#include "emulator/synchronization.h"
