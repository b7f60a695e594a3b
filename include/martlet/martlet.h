#ifndef MARTLET_MARTLET_H
#define MARTLET_MARTLET_H
#include "arrow_abi.h"
#endif
