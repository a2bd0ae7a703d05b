// DRAM traffic measured on one H100 80GB HBM3 and one H200, both driver 580.159.04, CUDA 13.0, with CUPTI's
// Range Profiler (dram__bytes_read.sum, dram__bytes_write.sum), one kernel per row, the L2 full of clean
// unrelated lines before each. All figures in megabytes of 10^6 bytes.
#pragma once

#include <vector>

namespace weir::measured {

struct Row {
  double buffer_megabytes;
  double dram_megabytes;
};
using Table = std::vector<Row>;

// Each block reads its own part of a buffer four times: DRAM reads.
inline const Table kH100Private = {{24, 24.0}, {28, 28.0},  {32, 32.9},  {36, 39.7},
                                   {40, 60.9}, {44, 119.6}, {48, 189.8}, {56, 223.9}};
inline const Table kH200Private = {{32, 32.1},  {36, 37.8},  {40, 47.0},  {44, 56.5}, {48, 85.0},
                                   {52, 150.9}, {56, 216.0}, {60, 238.6}, {64, 255.7}};

// Every block reads the whole buffer three times: DRAM reads.
inline const Table kH100Shared = {{8, 8.0},   {16, 16.0}, {22, 22.0},  {24, 24.1},  {26, 31.9}, {28, 65.4},
                                  {30, 75.3}, {32, 96.1}, {34, 102.1}, {40, 120.0}, {56, 168.0}};
inline const Table kH200Shared = {{24, 24.0}, {28, 28.0},  {29, 38.0},  {30, 44.2},  {32, 53.7},
                                  {34, 79.4}, {36, 104.9}, {38, 114.1}, {40, 120.1}, {48, 144.1}};

// A second launch reads what a first one read, its blocks not necessarily on the same SMs: DRAM reads of the
// second.
inline const Table kH100SecondLaunch = {{24, 0.01}, {28, 0.08}, {32, 3.6}, {36, 8.4},
                                        {40, 27.8}, {44, 42.3}, {48, 47.8}};

// A kernel that only writes: DRAM writes until it ends.
inline const Table kH100Writes = {{8, 0},     {16, 0},    {20, 0.04}, {24, 0.3},    {28, 2.7},   {32, 6.6},
                                  {40, 14.9}, {48, 23.0}, {64, 39.2}, {128, 103.1}, {512, 487.1}};
inline const Table kH200Writes = {{24, 0.0},  {28, 0.5},  {32, 2.5},   {40, 10.4},  {48, 18.2},
                                  {64, 34.5}, {80, 50.5}, {128, 98.6}, {512, 482.4}};

// A copy leaves this much dirty at its end.
inline constexpr double kH100CopyDirtyLow = 20, kH100CopyDirtyHigh = 21;

}  // namespace weir::measured
