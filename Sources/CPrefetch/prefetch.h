#ifndef MARTLET_PREFETCH_H
#define MARTLET_PREFETCH_H

/* Asks the processor to bring the line of memory at `address` near. Any address will do. Swift has no word for it. */
static inline __attribute__((always_inline)) void martlet_prefetch(const void *address) {
  __builtin_prefetch(address);
}

#endif
