#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace luna::emotion {

// Where the input matrix stands in what fastText writes of a model: its numbers, 32-bit floats, row
// by row. They are nearly all of the file.
struct Matrix {
  std::size_t offset = 0;
  std::size_t rows = 0;
  std::size_t columns = 0;

  std::size_t bytes() const { return rows * columns * sizeof(float); }
};

// The file with each of the matrix's rows in 8 bits a number, after a scale in 16: a quarter of the
// size. fastText's own product quantisation cost 1.5 points of precision, this costs none that
// shows.
std::string PackMatrix(std::string_view file, const Matrix& matrix);

// The file again. Nothing where `packed` has not the size that it must have.
std::optional<std::string> UnpackMatrix(std::string_view packed, const Matrix& matrix);

}  // namespace luna::emotion
