# Martlet's habits. Each does its own set-up on a fresh Debian 12 machine with the Swift toolchain.
#
#   make lib       build/libmartlet.so: self-contained, exports martlet_* only; incremental, in any checkout
#   make test      all tests: Swift, C and Python

PACKAGES := libzstd-dev liblz4-dev libsnappy-dev libdeflate-dev libbrotli-dev python3-dev python3-venv \
    cmake pkg-config binutils g++

.PHONY: help lib test clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^#   //p' Makefile

# Debian packages, only those that are missing.
build/.packages:
	@mkdir -p build
	@missing=$$(dpkg-query -W -f '$${db:Status-Abbrev} $${Package}\n' $(PACKAGES) 2>&1 | \
	    sed -n 's/^ii  *//p' | sort > build/.installed; \
	    printf '%s\n' $(PACKAGES) | sort | comm -23 - build/.installed); \
	if [ -n "$$missing" ]; then \
	    as_root=$$([ $$(id -u) = 0 ] || echo sudo); \
	    $$as_root apt-get update -qq && $$as_root apt-get install -y --no-install-recommends $$missing; \
	fi
	@touch $@

lib: build/.packages
	@cmake/build-library.sh

clean:
	rm -rf .build build dist
