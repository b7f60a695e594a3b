"""Regular expressions, judged by pyarrow."""

import ctypes.util

import pyarrow
import pyarrow.compute
import pytest

import martlet
import martlet.compute

pytestmark = pytest.mark.skipif(ctypes.util.find_library("pcre2-8") is None, reason="libpcre2-8 is not installed")

TEXTS = [
    "", None, "a", "aaa", "baac", "abc123def", "x1y22z333", "foo@bar.com", "foo.bar@baz.co.uk", "Ünï codé ß", "日本語 text",
    "line\nbreak\n", "  two  spaces ", "A-B_C", "aAbB", "tab\there", "2024-05-06", "(x)(y)", "\\back\\slash", "€5.00",
]
PATTERNS = [
    "a", "a+", "a*", "^a", "c$", "[0-9]+", "(\\d+)", "[a-z]+@[a-z.]+", "\\bt\\w+", "(?i)AB", ".", ".+", "\\s+", "ü|é",
    "(a)|(b)", "x*", "[^a-z]", "\\\\", "\\pL+", "b.*c", "(?s)e.b", "$", "^", "",
]
TYPES = [pyarrow.string(), pyarrow.large_string(), pyarrow.string_view()]


def arrays():
    for type in TYPES:
        for start in (0, 3):
            data = pyarrow.array(TEXTS * 3).slice(start)
            yield martlet.array(data.cast(type)), data.cast(pyarrow.string() if type == pyarrow.string_view() else type)


def both(name, *arguments, **options):
    for ours, theirs in arrays():
        found = getattr(martlet.compute, name)(ours, *arguments, **options)
        wanted = getattr(pyarrow.compute, name)(theirs, *arguments, **options)
        found.validate(full=True)
        assert found.to_pylist() == wanted.to_pylist()
        assert found.type.equals(martlet.array(wanted).type) or ours.type == martlet.string_view()


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("ignore_case", [False, True])
@pytest.mark.parametrize("name", ["match_substring_regex", "find_substring_regex", "count_substring_regex"])
def test_tests_and_measures(name, pattern, ignore_case):
    both(name, pattern, ignore_case=ignore_case)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("replacement", ["", "X", "<\\0>", "\\\\"])
def test_replacements(pattern, replacement):
    both("replace_substring_regex", pattern, replacement)


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_limited_replacements(limit):
    both("replace_substring_regex", "[a-z]+", "_", max_replacements=limit)
    both("replace_substring_regex", "([a-z])([0-9])", "\\2\\1", max_replacements=limit)


@pytest.mark.parametrize("pattern", ["[0-9]+", " +", "a", "[@.]", "-|_", "\\s"])
@pytest.mark.parametrize("limit", [None, 0, 1, 2])
def test_splits(pattern, limit):
    both("split_pattern_regex", pattern, **({} if limit is None else {"max_splits": limit}))


@pytest.mark.parametrize("pattern", ["(?P<letters>[a-z]+)(?P<digits>\\d+)", "(?P<a>a)|(?P<b>b)", "(?P<x>^.)?(?P<y>z)?", "(?P<all>.*)"])
@pytest.mark.parametrize("name", ["extract_regex", "extract_regex_span"])
def test_extractions(name, pattern):
    both(name, pattern)


@pytest.mark.parametrize("type", ["binary", "large_binary"])
def test_bytes(type):
    data = pyarrow.array([b"\xff\x00a", b"abc", None, b"\xc3\xa9"], getattr(pyarrow, type)())
    for pattern in ("a", ".", "[^a-z]"):
        for name in ("match_substring_regex", "find_substring_regex", "count_substring_regex"):
            found = getattr(martlet.compute, name)(martlet.array(data), pattern).to_pylist()
            assert found == getattr(pyarrow.compute, name)(data, pattern).to_pylist()


def test_many_rows_in_parallel():
    data = pyarrow.array([f"row {i} of {i % 13}" if i % 17 else None for i in range(200_000)])
    ours = martlet.array(data)
    for name, arguments in (
        ("count_substring_regex", ["[0-9]+"]), ("replace_substring_regex", ["([0-9]+) of", "of \\1"]),
        ("split_pattern_regex", [" "]), ("extract_regex", ["(?P<n>[0-9]+)"]), ("match_substring_regex", ["1 of 1$"]),
    ):
        found = getattr(martlet.compute, name)(ours, *arguments)
        assert pyarrow.array(found).equals(getattr(pyarrow.compute, name)(data, *arguments))


def test_what_is_wrong():
    array, compute = martlet.array(["a"]), martlet.compute
    with pytest.raises(martlet.ArrowInvalid, match="Invalid regular expression: .*at byte 1"):
        compute.match_substring_regex(array, "(")
    with pytest.raises(martlet.ArrowInvalid, match="unnamed groups"):
        compute.extract_regex(array, "(a)")
    with pytest.raises(martlet.ArrowInvalid, match="Invalid replacement string"):
        compute.replace_substring_regex(array, "a", "\\1")
    with pytest.raises(martlet.ArrowInvalid, match="Invalid replacement string"):
        compute.replace_substring_regex(array, "a", "\\")
    with pytest.raises(NotImplementedError, match="reverse"):
        compute.split_pattern_regex(array, "a", reverse=True)
    with pytest.raises(NotImplementedError):
        compute.match_substring_regex(martlet.array([1]), "a")
    # Backtracking for ever ends with an error.
    with pytest.raises(martlet.ArrowInvalid, match="failed"):
        compute.match_substring_regex(martlet.array(["a" * 5000 + "b"]), "(a*a*)*(a*a*)*c(?<=x)|(x+x+)+y|(a|aa)+$")
