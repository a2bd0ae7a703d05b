// std::conditional, without toolkit headers.
#pragma once

namespace device {

template <bool condition, class Then, class Else>
struct Choose {
  using Type = Then;
};

template <class Then, class Else>
struct Choose<false, Then, Else> {
  using Type = Else;
};

}  // namespace device
