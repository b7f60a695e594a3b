/* The Swift runtime's C module refers to `hypotf`, which glibc 2.35 gave a new version; nothing calls it. With this
 * definition, local to libmartlet.so, the library loads on glibc 2.34. */
#include <math.h>

float hypotf(float x, float y);

float hypotf(float x, float y) {
  if (isinf(x) || isinf(y)) return INFINITY;
  return (float)__builtin_sqrt((double)x * x + (double)y * y);
}
