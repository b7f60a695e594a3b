"""Types, fields and schemas: texts, equality, hashes, pickles and the way through the engine, judged by pyarrow."""

import pickle

import pytest

pa = pytest.importorskip("pyarrow")

import martlet as ma
import martlet.types
from judged import check
from martlet import _types

MAKERS = {
    "null": lambda m: m.null(), "bool": lambda m: m.bool_(), "int8": lambda m: m.int8(), "uint64": lambda m: m.uint64(),
    "float16": lambda m: m.float16(), "float32": lambda m: m.float32(), "float64": lambda m: m.float64(),
    "string": lambda m: m.string(), "large_string": lambda m: m.large_string(), "binary": lambda m: m.binary(),
    "large_binary": lambda m: m.large_binary(), "fixed": lambda m: m.binary(7), "date32": lambda m: m.date32(),
    "date64": lambda m: m.date64(), "time32": lambda m: m.time32("ms"), "time64": lambda m: m.time64("ns"),
    "timestamp": lambda m: m.timestamp("us"), "zoned": lambda m: m.timestamp("ms", "Europe/Paris"),
    "duration": lambda m: m.duration("s"), "decimal": lambda m: m.decimal128(12, 3),
    "list": lambda m: m.list_(m.int64()), "list not null": lambda m: m.list_(m.field("x", m.int8(), nullable=False)),
    "large_list": lambda m: m.large_list(m.string()), "fixed list": lambda m: m.list_(m.float32(), 3),
    "struct": lambda m: m.struct([("a", m.int32()), m.field("b", m.string(), nullable=False)]),
    "empty struct": lambda m: m.struct([]), "map": lambda m: m.map_(m.string(), m.int32()),
    "sorted map": lambda m: m.map_(m.string(), m.int32(), keys_sorted=True),
    "dictionary": lambda m: m.dictionary(m.int8(), m.string()),
    "ordered": lambda m: m.dictionary(m.int32(), m.string(), ordered=True),
    "nested": lambda m: m.list_(m.struct([("l", m.large_list(m.map_(m.int8(), m.list_(m.date32()))))])),
}


@pytest.mark.parametrize("name", MAKERS)
def test_type(name):
    mine, theirs = MAKERS[name](ma), MAKERS[name](pa)
    assert str(mine) == str(theirs) and repr(mine) == repr(theirs) and mine.id == theirs.id
    assert mine.num_fields == theirs.num_fields and mine.num_buffers == theirs.num_buffers
    again = _types._type_from_handle(mine._handle)
    assert again == mine and hash(again) == hash(mine) and str(again) == str(mine)
    assert pickle.loads(pickle.dumps(mine)) == mine
    assert str(ma.field("x", mine)).replace("martlet", "pyarrow") == str(pa.field("x", theirs))
    # Through capsules, in both directions.
    assert str(pa.field(ma.field("x", mine))) == str(pa.field("x", theirs))
    assert ma.field(pa.field("x", theirs)) == ma.field("x", mine)


@pytest.mark.parametrize("name", MAKERS)
def test_types_differ(name):
    mine = MAKERS[name](ma)
    assert [other for other in MAKERS if MAKERS[other](ma) == mine] == [name]


@pytest.mark.parametrize("attribute", ["bit_width", "byte_width"])
@pytest.mark.parametrize("name", MAKERS)
def test_widths(name, attribute):
    check(lambda m, c: getattr(MAKERS[name](m), attribute))


@pytest.mark.parametrize("question", [q for q in dir(martlet.types) if q.startswith("is_") and "value" not in q])
def test_questions(question):
    for name in MAKERS:
        expected = getattr(pa.types, question)(MAKERS[name](pa))
        assert getattr(martlet.types, question)(MAKERS[name](ma)) == expected, name


@pytest.mark.parametrize("code", [
    lambda m, c: m.time32("us"), lambda m, c: m.timestamp("x"), lambda m, c: m.field("a"),
    lambda m, c: m.field(1, m.int32()), lambda m, c: m.schema([1]), lambda m, c: m.list_(3),
    lambda m, c: m.dictionary(m.string(), m.string()), lambda m, c: m.decimal128(39), lambda m, c: m.decimal128(0),
    lambda m, c: m.type_for_alias("foo"), lambda m, c: m.int64() == "int64", lambda m, c: m.int64() == "foo",
    lambda m, c: m.int64() == 3, lambda m, c: m.DataType(), lambda m, c: m.struct([("a", m.int8())]).field("b"),
    lambda m, c: m.struct({"a": m.int8()})[4], lambda m, c: m.list_(m.field("a", m.int8())) == m.list_(m.int8()),
    lambda m, c: m.list_(m.field("a", m.int8())).equals(m.list_(m.int8()), check_metadata=True),
    lambda m, c: m.field("a", m.int8(), metadata={"x": "y"}).metadata,
    lambda m, c: m.field("a", m.int8()) == m.field("a", m.int8(), metadata={"x": "y"}),
    lambda m, c: m.field("a", m.struct([("b", m.int8())])).flatten(),
    lambda m, c: m.timestamp("ms", tz=3), lambda m, c: m.lib.ensure_type(3),
])
def test_behaviour(code):
    check(code)


def schema(m):
    return m.schema([
        m.field("x", m.int32(), nullable=False, metadata={"a": "b"}), ("y", m.list_(m.int8())),
        ("m", m.map_(m.string(), m.int32()))], metadata={"k": "v" * 100})


@pytest.mark.parametrize("code", [
    lambda m, c: str(schema(m)), lambda m, c: schema(m).to_string(show_schema_metadata=False),
    lambda m, c: schema(m).names,
    lambda m, c: schema(m).types, lambda m, c: schema(m).metadata, lambda m, c: schema(m).field("y"),
    lambda m, c: schema(m).field("q"), lambda m, c: schema(m).field(3), lambda m, c: schema(m)[-1],
    lambda m, c: schema(m).field(1.5), lambda m, c: schema(m).remove(1).names, lambda m, c: schema(m).remove(9),
    lambda m, c: schema(m).set(0, m.field("q", m.int8())).names, lambda m, c: schema(m).set(9, m.field("q", m.int8())),
    lambda m, c: schema(m).insert(1, m.field("q", m.int8())).names, lambda m, c: schema(m).append("x"),
    lambda m, c: schema(m).append(m.field("q", m.int8())).names, lambda m, c: schema(m) == schema(m).remove_metadata(),
    lambda m, c: schema(m).equals(schema(m).remove_metadata(), check_metadata=True), lambda m, c: schema(m) == 3,
    lambda m, c: schema(m).equals(3), lambda m, c: schema(m).with_metadata({"z": b"y"}).metadata,
    lambda m, c: schema(m).get_field_index("y"), lambda m, c: schema(m).get_field_index("q"),
    lambda m, c: m.schema([("a", m.int8()), ("a", m.int8())]).get_field_index("a"),
    lambda m, c: m.schema([("a", m.int8()), ("a", m.int8())]).get_all_field_indices("a"),
    lambda m, c: m.schema({"a": "int8", "b": m.string()}), lambda m, c: schema(m).empty_table(),
    lambda m, c: schema(m).pandas_metadata, lambda m, c: m.schema([("a", m.int8())], metadata={"a": 3}),
    lambda m, c: m.unify_schemas([m.schema([("a", m.int8())]), m.schema([("b", m.int8())])]),
    lambda m, c: m.unify_schemas([m.schema([("a", m.int8())]), m.schema([("a", m.int16())])]),
    lambda m, c: m.unify_schemas(
        [m.schema([("a", m.int8())]), m.schema([("a", m.int16())])], promote_options="permissive"),
])
def test_schema(code):
    check(code)


def test_schema_travels():
    mine, theirs = schema(ma), schema(pa)
    assert pa.schema(mine).equals(theirs, check_metadata=True)
    assert ma.schema(theirs).equals(mine, check_metadata=True)
    assert pickle.loads(pickle.dumps(mine)).equals(mine, check_metadata=True)
