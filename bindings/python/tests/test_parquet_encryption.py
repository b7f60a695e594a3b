"""Encrypted Parquet: the specification's files, files of pyarrow and DuckDB and back, wrong keys, and every kind of change."""

import base64
import datetime
import io
import os
import pathlib
import subprocess
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

import martlet as ma
import martlet.compute as mc
import martlet.parquet as mq
import martlet.parquet.encryption as me

DATA = os.environ.get("PARQUET_TEST_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="PARQUET_TEST_DATA is not set")

KEY = b"0123456789012345"
COLUMN_KEYS = {"double_field": b"1234567890123450", "float_field": b"1234567890123451"}
TABLE = pa.table({
    "i": pa.array([i if i % 7 else None for i in range(500)], pa.int64()),
    "s": [f"text {i % 20}" for i in range(500)],
    "n": [[i, i + 1] if i % 3 else None for i in range(500)],
    "x": [{"a": i / 4, "b": i % 5 == 0} for i in range(500)],
})
LEAVES = ["i", "s", "n.list.element", "x.a", "x.b"]


def encrypted(path, table=TABLE, keys=None, write=None, **options):
    mq.write_table(
        ma.table(table), path, encryption_properties=me.create_encryption_properties(KEY, column_keys=keys, **options),
        **(write or {}))
    return path


def read(path, key=KEY, filters=None, columns=None, **options):
    return mq.read_table(
        path, filters=filters, columns=columns, decryption_properties=me.create_decryption_properties(key, **options))


# ---- the specification's files ----


@needs_data
@pytest.mark.parametrize("name", [
    "uniform_encryption", "encrypt_columns_and_footer", "encrypt_columns_and_footer_aad", "encrypt_columns_and_footer_ctr",
    "encrypt_columns_and_footer_disable_aad_storage", "encrypt_columns_plaintext_footer"])
def test_conformance_files(name):
    path = pathlib.Path(DATA) / f"{name}.parquet.encrypted"
    prefix = b"tester" if "disable" in name else None
    table = read(path, column_keys=COLUMN_KEYS, aad_prefix=prefix)
    expected = pq.read_table(
        pathlib.Path(DATA) / "uniform_encryption.parquet.encrypted",
        decryption_properties=pe.create_decryption_properties(KEY))
    assert table.num_rows == 50
    for column in expected.column_names:
        assert pa.table(table)[column].equals(expected[column]), column
    # Pages are found by the offset index, with their numbers.
    one = read(path, column_keys=COLUMN_KEYS, aad_prefix=prefix, 
               filters=mc.field("double_field") == expected["double_field"][37].as_py())
    assert one["int32_field"].to_pylist() == [expected["int32_field"][37].as_py()]


@needs_data
def test_conformance_bloom_filter():
    path = pathlib.Path(DATA) / "encrypt_columns_and_footer_bloom_filter.parquet.encrypted"
    table = read(path, column_keys=COLUMN_KEYS)
    assert table.num_rows == 2000
    for name in table.column_names:
        for i in (0, 999, 1999):
            value = table[name][i].as_py()
            found = read(path, column_keys=COLUMN_KEYS, filters=mc.field(name) == value)
            assert value in found[name].to_pylist()
    assert len(read(path, column_keys=COLUMN_KEYS, filters=mc.field("double_field") == 0.75)) == 0


class KeyService(me.KmsClient):
    """Master keys in memory; wrapped keys are theirs and the key, in base64."""

    def __init__(self, config, keys=None, denied=()):
        self.config, self.keys, self.denied = config, keys or config.custom_kms_conf, denied

    def wrap_key(self, key_bytes, master_key_identifier):
        return base64.b64encode(self.keys[master_key_identifier].encode() + key_bytes)

    def unwrap_key(self, wrapped_key, master_key_identifier):
        if master_key_identifier in self.denied:
            raise PermissionError(f"no access to {master_key_identifier}")
        master = self.keys[master_key_identifier].encode()
        text = base64.b64decode(wrapped_key)
        assert text[:len(master)] == master
        return text[len(master):]


class TheirKeyService(pe.KmsClient):
    def __init__(self, config):
        pe.KmsClient.__init__(self)
        self.own = KeyService(None, config.custom_kms_conf)

    def wrap_key(self, key_bytes, master_key_identifier):
        return self.own.wrap_key(key_bytes, master_key_identifier)

    def unwrap_key(self, wrapped_key, master_key_identifier):
        return self.own.unwrap_key(wrapped_key, master_key_identifier)


MASTERS = {"footer_key": "m" * 16, "col_key": "c" * 16, "other": "o" * 16}


@needs_data
def test_external_key_material():
    """The key service of the file's writer wrapped keys with AES-GCM and the name of the master key."""

    class Local(me.KmsClient):
        keys = {"kf": KEY, **{f"kc{i + 1}": b"123456789012345%d" % i for i in range(6)}}

        def unwrap_key(self, wrapped_key, master_key_identifier):
            return me._aes_gcm(
                self.keys[master_key_identifier], base64.b64decode(wrapped_key), master_key_identifier.encode(), False)

    path = pathlib.Path(DATA) / "external_key_material_java.parquet.encrypted"
    properties = me.CryptoFactory(lambda config: Local()).file_decryption_properties(
        me.KmsConnectionConfig(), parquet_file_path=path)
    table = mq.read_table(path, decryption_properties=properties)
    assert table.num_rows > 0
    assert all(len(column.to_pylist()) == table.num_rows for column in table.columns)
    with pytest.raises(ma.ArrowInvalid, match="path must be specified"):
        mq.read_table(path, decryption_properties=me.CryptoFactory(lambda config: Local()).file_decryption_properties(
            me.KmsConnectionConfig()))


# ---- with others ----

FORMS = [
    {}, {"encryption_algorithm": "AES_GCM_CTR_V1"}, {"plaintext_footer": True}, {"aad_prefix": b"tester"},
    {"aad_prefix": b"tester", "store_aad_prefix": False},
    {"aad_prefix": b"tester", "plaintext_footer": True, "encryption_algorithm": "AES_GCM_CTR_V1"}]
WRITES = [
    {}, {"data_page_version": "2.0", "compression": "zstd", "row_group_size": 77}, {"use_dictionary": False, "compression": "none"},
    {"max_rows_per_page": 30, "write_page_index": True, "row_group_size": 200}]


def prefix_of(form):
    return {"aad_prefix": form["aad_prefix"]} if "aad_prefix" in form else {}


@pytest.mark.parametrize("key", [16, 24, 32])
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_theirs_are_read(tmp_path, form, key):
    key = bytes(range(key))
    for write in WRITES:
        pq.write_table(
            TABLE, tmp_path / "file", encryption_properties=pe.create_encryption_properties(key, **form),
            write_page_checksum=True, **write)
        assert pa.table(read(tmp_path / "file", key, **prefix_of(form))).equals(TABLE)
        found = read(tmp_path / "file", key, filters=mc.field("i") == 333, **prefix_of(form))
        assert found["s"].to_pylist() == ["text 13"]


@pytest.mark.parametrize("key", [16, 24, 32])
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_ours_are_read(tmp_path, form, key):
    key = bytes(range(key))
    for write in WRITES:
        mq.write_table(
            ma.table(TABLE), tmp_path / "file", encryption_properties=me.create_encryption_properties(key, **form), **write)
        theirs = pq.ParquetFile(
            tmp_path / "file", page_checksum_verification=True,
            decryption_properties=pe.create_decryption_properties(key, **prefix_of(form)))
        assert theirs.read().equals(TABLE)
        assert pa.table(read(tmp_path / "file", key, **prefix_of(form))).equals(TABLE)
        found = read(tmp_path / "file", key, filters=mc.field("i") == 333, **prefix_of(form))
        assert found["s"].to_pylist() == ["text 13"]


def test_duckdb_reads_ours(tmp_path):
    encrypted(tmp_path / "file", TABLE.select(["i", "s"]))
    connection = duckdb.connect()
    connection.execute("pragma add_parquet_key('k', '0123456789012345')")
    rows = connection.execute(
        f"select i, s from read_parquet('{tmp_path / 'file'}', encryption_config={{footer_key: 'k'}})").fetchall()
    assert rows == list(zip(TABLE["i"].to_pylist(), TABLE["s"].to_pylist()))


CONFIGURATIONS = [
    {"column_keys": {"col_key": ["i", "s"], "other": ["x.a"]}},
    {"column_keys": {"col_key": ["i"]}, "plaintext_footer": True},
    {"column_keys": {"col_key": ["n.list.element"]}, "double_wrapping": False, "encryption_algorithm": "AES_GCM_CTR_V1"},
    {"uniform_encryption": True, "data_key_length_bits": 256},
]


def factories(reader, writer):
    """(properties for writing, properties for reading) of pyarrow or of Martlet."""
    def config(module):
        return module.KmsConnectionConfig(custom_kms_conf=MASTERS)

    def encrypt(options):
        service = TheirKeyService if writer is pe else KeyService
        return writer.CryptoFactory(service).file_encryption_properties(
            config(writer), writer.EncryptionConfiguration(footer_key="footer_key", **options))

    def decrypt():
        service = TheirKeyService if reader is pe else KeyService
        return reader.CryptoFactory(service).file_decryption_properties(
            config(reader), reader.DecryptionConfiguration(cache_lifetime=datetime.timedelta(minutes=5)))

    return encrypt, decrypt


@pytest.mark.parametrize("options", CONFIGURATIONS, ids=str)
@pytest.mark.parametrize("writer, reader", [(me, me), (me, pe), (pe, me)], ids=["ours", "ours-theirs", "theirs-ours"])
def test_key_services(tmp_path, writer, reader, options):
    encrypt, decrypt = factories(reader, writer)
    if writer is me:
        mq.write_table(ma.table(TABLE), tmp_path / "file", encryption_properties=encrypt(options), row_group_size=200)
    else:
        pq.write_table(TABLE, tmp_path / "file", encryption_properties=encrypt(options), row_group_size=200)
    if reader is me:
        assert pa.table(mq.read_table(tmp_path / "file", decryption_properties=decrypt())).equals(TABLE)
    else:
        assert pq.read_table(tmp_path / "file", decryption_properties=decrypt()).equals(TABLE)


def test_denied_columns(tmp_path):
    """Who may not have a column's key reads the others, and is told why not that one."""
    encrypt, _ = factories(me, me)
    mq.write_table(
        ma.table(TABLE), tmp_path / "file", encryption_properties=encrypt({"column_keys": {"col_key": ["i"], "other": ["s"]}}))
    properties = me.CryptoFactory(lambda config: KeyService(config, denied=["other"])).file_decryption_properties(
        me.KmsConnectionConfig(custom_kms_conf=MASTERS))
    table = mq.read_table(tmp_path / "file", columns=["i", "x"], decryption_properties=properties)
    assert pa.table(table).equals(TABLE.select(["i", "x"]))
    with pytest.raises(ma.ArrowInvalid, match="path=s: PermissionError: no access to other"):
        mq.read_table(tmp_path / "file", decryption_properties=properties)


def test_wrapping_keys_are_used_again(tmp_path):
    calls = []

    class Counting(KeyService):
        def wrap_key(self, key_bytes, master_key_identifier):
            calls.append(master_key_identifier)
            return super().wrap_key(key_bytes, master_key_identifier)

    factory = me.CryptoFactory(Counting)
    config = me.KmsConnectionConfig(custom_kms_conf=MASTERS)
    options = me.EncryptionConfiguration(footer_key="footer_key", column_keys={"col_key": ["i", "s"]})
    for _ in range(3):
        factory.file_encryption_properties(config, options)
    assert sorted(calls) == ["col_key", "footer_key"]
    factory.remove_cache_entries_for_all_tokens()
    factory.file_encryption_properties(config, options)
    assert len(calls) == 4


# ---- keys ----


@pytest.mark.parametrize("plaintext_footer", [False, True])
def test_columns_without_their_key(tmp_path, plaintext_footer):
    keys = {"i": b"a" * 16, "x": b"b" * 32}
    path = encrypted(tmp_path / "file", keys=keys, plaintext_footer=plaintext_footer)
    assert pa.table(read(path, column_keys=keys)).equals(TABLE)
    assert pa.table(read(path, columns=["s", "n"])).equals(TABLE.select(["s", "n"]))
    # What is known of a hidden column prunes nothing and shows nothing.
    assert pa.table(read(path, columns=["s"], filters=mc.field("s") == "text 3")).num_rows == 25
    with pytest.raises(OSError, match="HiddenColumnException, path=i"):
        read(path)
    with pytest.raises(OSError, match="HiddenColumnException, path=x.a"):
        read(path, columns=["s"], column_keys={"i": keys["i"]}, filters=mc.field("x", "a") > 3)
    with pytest.raises(OSError, match="Failed decryption.*column metadata.*key"):
        read(path, column_keys={"i": b"z" * 16, "x": keys["x"]})
    if plaintext_footer:
        assert pa.table(mq.read_table(path, columns=["s", "n"])).equals(TABLE.select(["s", "n"]))
        assert mq.read_schema(path).names == TABLE.column_names
        assert mq.read_metadata(path).row_group(0).column(0).statistics is None
        assert mq.read_metadata(path).row_group(0).column(1).statistics is not None
        with pytest.raises(OSError, match="'(i|x.a|x.b)'.*no keys were given"):
            mq.read_table(path)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_wrong_keys(tmp_path, form):
    path = encrypted(tmp_path / "file", **form)
    plain = form.get("plaintext_footer")
    with pytest.raises(ma.ArrowInvalid if plain else OSError, match="signature" if plain else "footer does not fit its key"):
        read(path, b"z" * 16, **prefix_of(form))
    with pytest.raises(OSError, match="no keys|key was not given" if plain else "footer key was not given"):
        mq.read_table(path, decryption_properties=me.create_decryption_properties(**prefix_of(form)) if prefix_of(form) else None)
    if "aad_prefix" in form:
        stored = form.get("store_aad_prefix", True)
        with pytest.raises(OSError, match="not the same" if stored else "does not fit its key"):
            read(path, aad_prefix=b"wrong")
        if stored:
            assert pa.table(read(path)).equals(TABLE)
        else:
            with pytest.raises(OSError, match="not supplied"):
                read(path)
    else:
        with pytest.raises(OSError, match="was not used"):
            read(path, aad_prefix=b"tester")


@pytest.mark.parametrize("arguments, error", [
    (lambda: me.create_encryption_properties(b"short"), ValueError),
    (lambda: me.create_encryption_properties(17), TypeError),
    (lambda: me.create_encryption_properties(KEY, encryption_algorithm="ROT13"), ValueError),
    (lambda: me.create_encryption_properties(KEY, column_keys={"a": b"1"}), ValueError),
    (lambda: me.create_encryption_properties(KEY, column_key_metadata={"a": b"1"}), ValueError),
    (lambda: me.create_decryption_properties(b"short"), ValueError),
    (lambda: me.FileEncryptionProperties(), TypeError),
    (lambda: me.CryptoFactory(3), TypeError),
], ids=range(8))
def test_bad_properties(arguments, error):
    with pytest.raises(error):
        arguments()


def test_unknown_columns(tmp_path):
    with pytest.raises(ma.ArrowInvalid, match="Encrypted column nothing not in file schema"):
        encrypted(tmp_path / "file", keys={"nothing": KEY})
    assert not (tmp_path / "file").exists()


def test_nothing_shows(tmp_path):
    """Neither values nor names, bounds or filters lie in the clear."""
    table = pa.table({"secret_name": ["secret value %d" % i for i in range(100)]})
    path = encrypted(
        tmp_path / "file", table,
        write={"use_dictionary": False, "compression": "none", "bloom_filter_options": {"secret_name": True}})
    data = path.read_bytes()
    assert data[:4] == data[-4:] == b"PARE"
    assert b"secret" not in data and b"c2VjcmV0" not in data
    path = encrypted(
        tmp_path / "file", table, keys={"secret_name": KEY}, plaintext_footer=True,
        write={"use_dictionary": False, "compression": "none", "store_schema": False})
    data = path.read_bytes()
    assert data[:4] == data[-4:] == b"PAR1"
    assert b"secret_name" in data and b"secret value" not in data


# ---- other roads ----


def test_roads(tmp_path):
    path = encrypted(tmp_path / "file", keys={"i": b"a" * 16, "n": b"b" * 16}, write={"row_group_size": 120})
    properties = me.create_decryption_properties(KEY, column_keys={"i": b"a" * 16, "n": b"b" * 16})
    with mq.ParquetFile(path, decryption_properties=properties) as file:
        assert pa.table(ma.Table.from_batches(file.iter_batches(batch_size=50))).equals(TABLE)
        assert file.read_row_group(2).num_rows == 120
        assert file.metadata.row_group(1).column(0).statistics.min == 120
    assert pa.table(mq.read_table(io.BytesIO(path.read_bytes()), decryption_properties=properties)).equals(TABLE)
    assert pa.table(mq.read_table(path, memory_map=True, decryption_properties=properties)).equals(TABLE)
    assert mq.read_metadata(path, decryption_properties=properties).num_rows == 500
    assert mq.read_schema(path, decryption_properties=properties).names == TABLE.column_names
    # A folder of files with the same keys.
    encrypted(tmp_path / "other", keys={"i": b"a" * 16, "n": b"b" * 16})
    table = mq.read_table(tmp_path, decryption_properties=properties, filters=mc.field("i") == 50)
    assert table["s"].to_pylist() == ["text 10"] * 2


def test_filters_find_rows(tmp_path):
    """Through encrypted bounds, page indexes and Bloom filters."""
    table = pa.table({"k": pa.array([(i * 7919) % 100_003 * 2 for i in range(5000)]), "v": range(5000)})
    for algorithm in ("AES_GCM_V1", "AES_GCM_CTR_V1"):
        path = encrypted(
            tmp_path / "file", table, keys={"k": b"k" * 16, "v": b"v" * 24}, encryption_algorithm=algorithm,
            write={"row_group_size": 1000, "max_rows_per_page": 100, "bloom_filter_options": {"k": True}})
        keys = {"column_keys": {"k": b"k" * 16, "v": b"v" * 24}}
        for i in (0, 1, 999, 1000, 4321, 4999):
            assert read(path, filters=mc.field("k") == (i * 7919) % 100_003 * 2, **keys)["v"].to_pylist() == [i]
            assert read(path, filters=mc.field("v") == i, **keys)["v"].to_pylist() == [i]
        assert len(read(path, filters=mc.field("k") == 33, **keys)) == 0
        assert len(read(path, filters=(mc.field("v") >= 1990) & (mc.field("v") < 2110), **keys)) == 120


# ---- changes ----

FLIPS = int(os.environ.get("MARTLET_FLIPS", 150))


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_flipped_bits(tmp_path, form):
    """Whatever bit is flipped, some read that looks at its module fails; and none gives other values."""
    import random

    choice = random.Random(len(str(form)))
    table = pa.table({"i": [i * 3 for i in range(300)], "s": ["k%d" % (i % 9) for i in range(300)]})
    path = encrypted(
        tmp_path / "file", table, keys={"i": b"a" * 16, "s": KEY}, **form,
        write={"row_group_size": 150, "max_rows_per_page": 40, "bloom_filter_options": {"i": {"ndv": 100}, "s": {"ndv": 9}}})
    data = path.read_bytes()
    options = {"column_keys": {"i": b"a" * 16, "s": KEY}, **prefix_of(form)}
    filters = [None, (mc.field("i") == 870) & (mc.field("s") == "k2"), (mc.field("i") == 6) & (mc.field("s") == "k2")]
    expected = [read(path, filters=one, **options) for one in filters]
    assert [len(one) for one in expected] == [300, 1, 1]
    places = list(range(4)) + list(range(len(data) - 40, len(data))) + [choice.randrange(len(data)) for _ in range(FLIPS)]
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 1 << choice.randrange(8)
        path.write_bytes(changed)
        failed = 0
        for one, right in zip(filters, expected):
            try:
                assert read(path, filters=one, **options).equals(right), place
            except (ma.ArrowException, OSError):
                failed += 1
        assert failed > 0, place


def test_swapped_modules(tmp_path):
    """Pages of another column, another row group or another file do not stand in, even under the same key."""
    table = pa.table({"a": range(100), "b": range(100)})
    write = {"row_group_size": 50, "use_dictionary": False, "compression": "none", "column_encoding": "PLAIN", "write_page_checksum": False}
    path = encrypted(tmp_path / "file", table, write=write)
    other = encrypted(tmp_path / "other", table, write=write).read_bytes()
    data = path.read_bytes()
    metadata = mq.ParquetFile(path, decryption_properties=me.create_decryption_properties(KEY)).metadata
    places = {(g, c): metadata.row_group(g).column(c) for g in range(2) for c in range(2)}
    first = places[0, 0]
    size = first.total_compressed_size
    for foreign, source in [((0, 1), data), ((1, 0), data), ((0, 0), other)]:
        start = places[foreign].data_page_offset
        assert places[foreign].total_compressed_size == size
        changed = bytearray(data)
        changed[first.data_page_offset:first.data_page_offset + size] = source[start:start + size]
        path.write_bytes(changed)
        with pytest.raises(OSError, match="data page header does not fit its key"):
            read(path)


# ---- libcrypto ----


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(sys.path)})


def test_plain_files_cost_nothing(tmp_path):
    mq.write_table(ma.table(TABLE), tmp_path / "file")
    result = run(
        "import martlet.parquet as mq\n"
        f"t = mq.read_table({str(tmp_path / 'file')!r}); mq.write_table(t, {str(tmp_path / 'again')!r})\n"
        "print('libcrypto' in open('/proc/self/maps').read(), 'encryption' in str(__import__('sys').modules.keys()))")
    assert result.stdout.split() == ["False", "False"], result.stderr


def test_missing_library_is_named(tmp_path):
    path = encrypted(tmp_path / "file")
    code = (
        "import martlet.parquet as mq, martlet.parquet.encryption as me\n"
        f"mq.read_table({str(path)!r}, decryption_properties=me.create_decryption_properties({KEY!r}))")
    result = run(code, MARTLET_LIBCRYPTO="/nowhere/libcrypto.so.3")
    assert "ArrowNotImplementedError" in result.stderr and "install the package libssl3" in result.stderr


def test_files_in_the_clear_are_refused(tmp_path):
    plain = tmp_path / "plain"
    pq.write_table(TABLE, plain)
    for parquet, module in ((pq, pe), (mq, me)):
        keys = module.create_decryption_properties(footer_key=KEY)
        with pytest.raises(OSError, match="Applying decryption properties on plaintext file"):
            parquet.read_table(plain, decryption_properties=keys)
        keys = module.create_decryption_properties(footer_key=KEY, allow_plaintext_files=True)
        assert parquet.read_table(plain, decryption_properties=keys).num_rows == TABLE.num_rows
        for name in ("footer_key", "aad_prefix"):
            with pytest.raises(TypeError, match=f"{name} must be bytes"):
                module.create_decryption_properties(**{"footer_key": KEY, name: "x" * 16})
            with pytest.raises(TypeError, match=f"{name} must be bytes"):
                module.create_encryption_properties(**{"footer_key": KEY, name: "x" * 16})


def test_clients_get_texts_and_names_by_default():
    seen = []
    for module, parquet in ((pe, pq), (me, mq)):
        class Client(module.KmsClient):
            def __init__(self, connection):
                module.KmsClient.__init__(self)
                seen.append((connection.kms_instance_id, connection.kms_instance_url, connection.key_access_token))

            def wrap_key(self, key_bytes, master_key_identifier):
                return base64.b64encode(key_bytes)

            def unwrap_key(self, wrapped_key, master_key_identifier):
                seen.append(type(wrapped_key))
                return base64.b64decode(wrapped_key)

        seen.clear()
        factory, connection = module.CryptoFactory(Client), module.KmsConnectionConfig()
        connection.key_access_token = "token"
        properties = factory.file_encryption_properties(
            connection, module.EncryptionConfiguration(footer_key="k", uniform_encryption=True, double_wrapping=False))
        sink = io.BytesIO()
        table = (pa if module is pe else ma).table({"n": [1]})
        parquet.write_table(table, sink, encryption_properties=properties)
        reading = module.DecryptionConfiguration(cache_lifetime=300)
        assert reading.cache_lifetime.total_seconds() == 300
        factory = module.CryptoFactory(Client)
        properties = factory.file_decryption_properties(connection, reading)
        assert parquet.read_table(io.BytesIO(sink.getvalue()), decryption_properties=properties).num_rows == 1
        assert seen[-2:] == [("DEFAULT", "DEFAULT", "token"), str]
