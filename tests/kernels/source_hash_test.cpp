#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/kernels/gemm_definition.h"

namespace weir {
namespace {

void write(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

class SourceHash : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::path(::testing::TempDir()) /
             ("weir_source_hash_" + std::to_string(getpid()) +
              std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(folder);
    write(folder / "gemm/kernel.yaml", test::gemm_yaml());
    write(folder / "gemm/kernel.cu",
          "#include <weir/config.h>\n  #  include \"device/tile.h\"\n#include \"mine.h\"\n");
    write(folder / "gemm/reference.cu", "reference\n");
    write(folder / "gemm/mine.h", "#pragma once\n");
    write(folder / "device/tile.h", "#include \"ptx/mma.h\"\n#include \"device/tile.h\"\n");
    write(folder / "device/ptx/mma.h", "mma\n");
    write(folder / "device/unused.h", "unused\n");
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string hash() {
    const auto definition = KernelDefinition::load(folder / "gemm/kernel.yaml");
    if (!definition) throw std::runtime_error(to_string(definition.error()));
    const auto hash = definition->source_hash(folder);
    return hash ? *hash : to_string(hash.error());
  }

  std::filesystem::path folder;
};

TEST_F(SourceHash, ChangesWithEveryFileThatIsReached) {
  const std::string before = hash();
  EXPECT_EQ(before.size(), 32u);
  EXPECT_EQ(before.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(hash(), before);
  for (const char* file :
       {"gemm/kernel.cu", "gemm/reference.cu", "gemm/mine.h", "device/tile.h", "device/ptx/mma.h"}) {
    std::ofstream(folder / file, std::ios::app) << "// changed\n";
    const std::string after = hash();
    EXPECT_NE(after, before) << file;
    SetUp();
    EXPECT_EQ(hash(), before);
  }
  std::ofstream(folder / "gemm/kernel.yaml", std::ios::app) << "# changed\n";
  EXPECT_NE(hash(), before);
}

TEST_F(SourceHash, IgnoresWhatIsNotReachedAndWhereTheFolderIs) {
  const std::string before = hash();
  std::ofstream(folder / "device/unused.h", std::ios::app) << "// changed\n";
  EXPECT_EQ(hash(), before);
  const std::filesystem::path moved = folder.string() + "_moved";
  std::filesystem::remove_all(moved);
  std::filesystem::rename(folder, moved);
  folder = moved;
  EXPECT_EQ(hash(), before);
}

TEST_F(SourceHash, TellsSourcesThatAreGone) {
  const auto definition = KernelDefinition::load(folder / "gemm/kernel.yaml");
  ASSERT_TRUE(definition.ok());
  std::filesystem::remove(folder / "gemm/kernel.cu");
  const auto hash = definition->source_hash(folder);
  ASSERT_FALSE(hash.ok());
  EXPECT_EQ(hash.error().kind, ErrorKind::missing);
}

}  // namespace
}  // namespace weir
