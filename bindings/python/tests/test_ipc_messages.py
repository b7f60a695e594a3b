"""IPC beyond tables: custom metadata, old forms, single messages, and what is saved of damaged files."""

import io
import itertools
import struct

import pyarrow
import pyarrow.ipc
import pytest

import martlet as pa
import martlet.ipc as ipc

FORMATS = ["stream", "file"]
TABLE = pa.table({"a": [1, 2, 3], "d": pa.array(["x", "y", "x"]).dictionary_encode()})
NUMBERS = pa.table({"a": list(range(1000)), "s": [str(i) for i in range(1000)]})


def written(data, format, chunk=None, metadata=None, **options):
    sink = pa.BufferOutputStream()
    new = ipc.new_stream if format == "stream" else ipc.new_file
    with new(sink, data.schema, options=ipc.IpcWriteOptions(**options)) as writer:
        for batch in data.to_batches(max_chunksize=chunk):
            writer.write_batch(batch, custom_metadata=metadata)
    return sink.getvalue().to_pybytes()


def opened(data, format, **options):
    return (ipc.open_stream if format == "stream" else ipc.open_file)(data, **options)


def opened_by_pyarrow(data, format):
    return (pyarrow.ipc.open_stream if format == "stream" else pyarrow.ipc.open_file)(data)


# ---- custom metadata -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
def test_custom_metadata_of_messages(format):
    data = written(TABLE, format, metadata={"key": b"with \0 inside", b"other": "text"})
    expected = {b"key": b"with \0 inside", b"other": b"text"}
    ours, theirs = opened(data, format), opened_by_pyarrow(data, format)
    if format == "stream":
        batch, metadata = ours.read_next_batch_with_custom_metadata()
        assert dict(theirs.read_next_batch_with_custom_metadata().custom_metadata) == expected
        with pytest.raises(StopIteration):
            ours.read_next_batch_with_custom_metadata()
    else:
        batch, metadata = ours.get_batch_with_custom_metadata(0)
        assert dict(theirs.get_batch_with_custom_metadata(0).custom_metadata) == expected
    assert batch.to_pydict() == TABLE.to_pydict() and metadata == expected


def test_iterating_with_custom_metadata():
    data = written(NUMBERS, "stream", chunk=400)
    pairs = list(ipc.open_stream(data).iter_batches_with_custom_metadata())
    assert [pair.batch.num_rows for pair in pairs] == [400, 400, 200]
    assert [pair.custom_metadata for pair in pairs] == [None] * 3


def test_metadata_of_footer_schema_and_fields():
    schema = pa.schema([pa.field("a", pa.int8(), metadata={"f": "1"})], metadata={"s": "2"})
    sink = pa.BufferOutputStream()
    with ipc.new_file(sink, schema, metadata={"foot\0er": b"\xff"}) as writer:
        writer.write_batch(pa.record_batch([pa.array([1], pa.int8())], schema=schema))
    for reader in ipc.open_file(sink.getvalue()), pyarrow.ipc.open_file(sink.getvalue().to_pybytes()):
        assert dict(reader.metadata) == {b"foot\0er": b"\xff"}
        assert reader.schema.metadata == {b"s": b"2"} and reader.schema.field(0).metadata == {b"f": b"1"}


# ---- options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("version", [ipc.MetadataVersion.V4, ipc.MetadataVersion.V5])
@pytest.mark.parametrize("alignment", [8, 64])
@pytest.mark.parametrize("compression", [None, "zstd"])
def test_forms(format, legacy, version, alignment, compression):
    data = written(
        TABLE, format, use_legacy_format=legacy, metadata_version=version, alignment=alignment, compression=compression)
    expected = pyarrow.table(TABLE)
    assert opened_by_pyarrow(data, format).read_all().equals(expected)
    assert pyarrow.table(opened(data, format).read_all()).equals(expected)
    if format == "stream":
        assert (data[:4] == b"\xff\xff\xff\xff") is not legacy
        assert all(m.metadata_version == version for m in ipc.MessageReader.open_stream(data))
    if compression and version == ipc.MetadataVersion.V4:
        return  # pyarrow writes what it does not read
    theirs = pyarrow.ipc.IpcWriteOptions(
        metadata_version=getattr(pyarrow.ipc.MetadataVersion, version.name), use_legacy_format=legacy,
        compression=compression)
    sink = pyarrow.BufferOutputStream()
    with getattr(pyarrow.ipc, f"new_{format}")(sink, expected.schema, options=theirs) as writer:
        writer.write_table(expected)
    assert pyarrow.table(opened(sink.getvalue().to_pybytes(), format).read_all()).equals(expected)


def test_old_versions_are_not_written():
    with pytest.raises(pa.ArrowNotImplementedError, match="V4 and V5"):
        ipc.IpcWriteOptions(metadata_version=ipc.MetadataVersion.V3)


@pytest.mark.parametrize("format", FORMATS)
def test_alignment_of_what_is_read(format):
    data = written(NUMBERS, format)
    options = ipc.IpcReadOptions(ensure_alignment=ipc.Alignment.At64Byte)
    table = opened(data, format, options=options).read_all()
    for column in table.columns:
        for buffer in column.chunk(0).buffers():
            assert buffer is None or buffer.address % 64 == 0
    assert table.equals(NUMBERS)


def test_unified_dictionaries_in_files_and_replaced_ones_in_streams():
    parts = [pa.table({"d": pa.array(words).dictionary_encode()}) for words in (["a", "b"], ["c"], ["b", "c"])]
    table = pa.concat_tables(parts)
    assert opened_by_pyarrow(written_whole(table, "file", unify_dictionaries=True), "file").read_all().to_pydict() == (
        table.to_pydict())
    with pytest.raises(pa.ArrowInvalid, match="Dictionary replacement detected when writing IPC file format"):
        written_whole(table, "file")
    reader = ipc.open_stream(written_whole(table, "stream", unify_dictionaries=True))
    assert reader.read_all().to_pydict() == table.to_pydict()
    assert reader.stats.num_replaced_dictionaries == 2


def written_whole(table, format, **options):
    sink = pa.BufferOutputStream()
    with getattr(ipc, f"new_{format}")(sink, table.schema, options=ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("format", FORMATS)
def test_dictionary_deltas(format):
    words = pa.array(["a", "b", "c"])
    batches = [
        pa.record_batch([pa.DictionaryArray.from_arrays(pa.array([0, n - 1], pa.int8()), words.slice(0, n))], ["d"])
        for n in (1, 2, 3)
    ]
    sink = pa.BufferOutputStream()
    options = ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with getattr(ipc, f"new_{format}")(sink, batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
        assert writer.stats.num_dictionary_deltas == 2
    data = sink.getvalue().to_pybytes()
    expected = {"d": ["a", "a", "a", "b", "a", "c"]}
    assert opened(data, format).read_all().to_pydict() == expected
    assert opened_by_pyarrow(data, format).read_all().to_pydict() == expected


# ---- single messages -------------------------------------------------------------------------------------------------


def test_messages_of_a_stream():
    data = written(TABLE, "stream")
    ours = list(ipc.MessageReader.open_stream(data))
    reader = pyarrow.ipc.MessageReader.open_stream(data)
    for message in ours:
        expected = reader.read_next_message()
        assert message.type == expected.type and int(message.metadata_version) == int(expected.metadata_version)
        assert message.metadata.to_pybytes() == expected.metadata.to_pybytes()
        assert message.body.to_pybytes() == expected.body.to_pybytes()
        assert message.serialize().to_pybytes() == expected.serialize().to_pybytes()
        assert message.serialize(64).to_pybytes() == expected.serialize(64).to_pybytes()
    assert [m.type for m in ours] == ["schema", "dictionary", "record batch"]
    sink = io.BytesIO()
    ours[2].serialize_to(sink)
    again = ipc.read_message(sink.getvalue())
    assert again == ours[2] and again != ours[1] and "type: record batch" in repr(again)
    assert ipc.read_schema(ours[0]).equals(TABLE.schema)
    with pytest.raises(OSError, match="Expected IPC message of type schema but got record batch"):
        ipc.read_schema(ours[2])
    with pytest.raises(EOFError):
        ipc.read_message(b"")


@pytest.mark.parametrize("wrap", [bytes, pa.py_buffer, io.BytesIO, lambda data: pa.BufferReader(data), ipc.read_message])
def test_batches_alone(wrap):
    batch = TABLE.select(["a"]).to_batches()[0]
    theirs = pyarrow.record_batch(batch)
    message = batch.serialize()
    assert ipc.get_record_batch_size(batch) == message.size == pyarrow.ipc.get_record_batch_size(theirs)
    assert ipc.read_record_batch(wrap(message.to_pybytes()), batch.schema).equals(batch)
    assert ipc.read_record_batch(wrap(theirs.serialize().to_pybytes()), batch.schema).equals(batch)
    assert pyarrow.ipc.read_record_batch(pyarrow.py_buffer(message), theirs.schema).equals(theirs)


def test_a_batch_alone_is_a_slice_of_its_message():
    body = ipc.read_message(NUMBERS.to_batches()[0].serialize())
    batch = ipc.read_record_batch(body, NUMBERS.schema)
    start = batch.column(0).buffers()[1].address
    assert body.body.address <= start < body.body.address + body.body.size


@pytest.mark.parametrize("writer", [ipc, pyarrow.ipc])
def test_dictionaries_of_batches_alone(writer):
    """With the schema's own message, with the schema alone, and without the dictionary."""
    outer = pa.array(["x", "y", "x", None]).dictionary_encode()
    batch = pa.record_batch({"a": outer, "b": pa.array([1, 2, 3, 4]), "c": pa.array(["z"] * 4).dictionary_encode()})
    sink = io.BytesIO()
    given = batch if writer is ipc else pyarrow.record_batch(batch)
    with writer.new_stream(sink, given.schema) as stream:
        stream.write_batch(given)
    head, *dictionaries, data = ipc.MessageReader.open_stream(sink.getvalue())
    assert len(dictionaries) == 2
    memo = pa.DictionaryMemo()
    schema = ipc.read_schema(head, memo)
    with pytest.raises(KeyError, match="Dictionary with id 0 not found"):
        ipc.read_record_batch(data, schema, memo)
    numbered = pa.DictionaryMemo()
    for dictionary in dictionaries:
        memo.add(dictionary)
        numbered.add(dictionary.serialize())
    assert ipc.read_record_batch(data, schema, memo).equals(batch)
    assert ipc.read_record_batch(data, schema, numbered).equals(batch)
    with pytest.raises(pa.ArrowInvalid, match="not the one that the memo was made with"):
        ipc.read_record_batch(data, NUMBERS.schema, memo)
    with pytest.raises(OSError, match="Expected IPC message of type dictionary but got record batch"):
        memo.add(data)


def test_streams_one_after_the_other(tmp_path):
    data = written(NUMBERS, "stream")
    path = tmp_path / "two.arrows"
    path.write_bytes(data * 2 + written(TABLE, "stream"))
    for file in pa.memory_map(str(path)), pa.OSFile(str(path)), pa.BufferReader(path.read_bytes()), open(path, "rb"):
        with file:
            assert ipc.open_stream(file).read_all().equals(NUMBERS)
            assert file.tell() == len(data)
            assert ipc.open_stream(file).read_all().equals(NUMBERS)
            assert ipc.read_schema(file).equals(TABLE.schema)
            assert ipc.read_message(file).type == "dictionary"


# ---- recovery --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "lz4"])
@pytest.mark.parametrize("format", FORMATS)
def test_recover_at_every_cut(format, compression):
    data = written(NUMBERS, format, chunk=100, compression=compression)
    whole = ipc.recover(data)
    assert whole.table.equals(NUMBERS) and whole.lost == []
    rows = 0
    for cut in range(0, len(data), 61):
        try:
            table, lost = ipc.recover(data[:cut])
        except pa.ArrowInvalid:
            assert rows == 0
            continue
        assert table.num_rows % 100 == 0 and table.num_rows >= rows
        assert table.equals(NUMBERS.slice(0, table.num_rows))
        rows = table.num_rows
    assert rows >= 900


def test_recover_writes_a_whole_file(tmp_path):
    path = tmp_path / "broken.arrow"
    data = written(NUMBERS, "file", chunk=100)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(pa.ArrowInvalid):
        ipc.open_file(str(path))
    table, lost = ipc.recover(str(path), str(path))
    assert 0 < table.num_rows < 1000 and len(lost) == 1
    assert lost[0].position + lost[0].size == len(data) // 2 and "but" in lost[0].reason or "got" in lost[0].reason
    assert pyarrow.ipc.open_file(str(path)).read_all().equals(pyarrow.table(NUMBERS.slice(0, table.num_rows)))


def test_recover_around_damage():
    data = bytearray(written(NUMBERS, "stream", chunk=100))
    middle = len(data) // 2
    data[middle:middle + 3000] = b"\xff" * 3000
    table, lost = ipc.recover(bytes(data))
    assert table.num_rows >= 600 and lost
    kept = set(table.column("a").to_pylist())
    assert [row for row in NUMBERS.to_pylist() if row["a"] in kept] == table.to_pylist()


def test_recover_without_dictionaries_that_were_lost():
    parts = [pa.table({"d": pa.array(words).dictionary_encode()}) for words in (["a", "b"], ["c", "d"], ["e"])]
    data = bytearray(written_whole(pa.concat_tables(parts), "stream"))
    messages, position, places = list(ipc.MessageReader.open_stream(bytes(data))), 0, []
    for message in messages:
        places.append(position)
        position += message.serialize().size
    # The second dictionary's message is no longer one: its batch must not be seen through the first dictionary.
    data[places[3]:places[3] + 8] = b"\1" * 8
    table, lost = ipc.recover(bytes(data))
    assert table.to_pydict() == {"d": ["a", "b", "e"]} and len(lost) == 2


def test_nothing_to_recover():
    with pytest.raises(pa.ArrowInvalid, match="nothing can be recovered"):
        ipc.recover(b"what is this, and why?")


def as_delta(message):
    """The bytes of a dictionary message whose flag `isDelta` is set (Message.fbs `DictionaryBatch`, slot 2)."""
    data = bytearray(message.serialize().to_pybytes())
    start = 8

    def number(kind, at):
        return struct.unpack_from("<" + kind, data, at)[0]

    def field(table, slot):
        vtable = table - number("i", table)
        return table + number("H", vtable + 4 + 2 * slot)
    root = start + number("I", start)
    header = field(root, 2)
    flag = field(header + number("I", header), 2)
    assert data[flag] == 0
    data[flag] = 1
    return bytes(data)


def test_deltas_of_dictionaries_with_dictionaries_inside():
    inner = pa.dictionary(pa.int8(), pa.string())
    schema = pa.schema([("a", pa.dictionary(pa.int8(), pa.list_(inner)))])

    def batch(lists, words, indices):
        flat = pa.array([place for row in lists for place in row], pa.int8())
        offsets = pa.array([0, *itertools.accumulate(map(len, lists))], pa.int32())
        items = pa.DictionaryArray.from_arrays(flat, pa.array(words))
        values = pa.ListArray.from_arrays(offsets, items)
        return pa.record_batch(
            [pa.DictionaryArray.from_arrays(pa.array(indices, pa.int8()), values)], schema=schema)

    words = ["x", "y", "z"]
    first, last = batch([[0, 1], [2]], words, [0, 1, 0]), batch([[0, 1], [2], [2, 2], [0]], words, [2, 3, 0, 1])
    sinks = []
    for one in (first, batch([[2, 2], [0]], words, [0, 1, 0, 1])):
        sink = pa.BufferOutputStream()
        with ipc.new_stream(sink, schema) as writer:
            writer.write_batch(one)
        sinks.append(list(ipc.MessageReader.open_stream(sink.getvalue())))
    kinds = [m.type for m in sinks[0]]
    assert kinds == ["schema", "dictionary", "dictionary", "record batch"]
    outer_delta = as_delta(sinks[1][2])
    # Of the last batch only the indices, which point behind the first dictionary.
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, schema) as writer:
        writer.write_batch(last)
    tail = list(ipc.MessageReader.open_stream(sink.getvalue()))[-1]
    stream = b"".join(m.serialize().to_pybytes() for m in sinks[0]) + outer_delta + tail.serialize().to_pybytes()
    read = list(ipc.open_stream(stream))
    assert read[0].column(0).to_pylist() == [["x", "y"], ["z"], ["x", "y"]]
    assert read[1].column(0).to_pylist() == [["z", "z"], ["x"], ["x", "y"], ["z"]]
    for made in read:
        made.validate(full=True)
