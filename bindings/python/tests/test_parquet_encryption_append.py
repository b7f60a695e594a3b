"""Encrypted Parquet files that are appended to and recovered."""

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from test_parquet_encryption import encrypted, KEY, LEAVES, TABLE

import martlet as ma
import martlet.compute as mc
import martlet.parquet as mq
import martlet.parquet.encryption as me

MODES = [
    {}, {"encryption_algorithm": "AES_GCM_CTR_V1"}, {"plaintext_footer": True}, {"aad_prefix": b"name"},
    {"aad_prefix": b"name", "store_aad_prefix": False}, {"footer_key_metadata": b"kf"}]


def readers(options, keys):
    """Both engines' keys for reading; pyarrow takes no keys of columns."""
    prefix = options.get("aad_prefix") if options.get("store_aad_prefix") is False else None
    ours = me.create_decryption_properties(KEY, column_keys=keys, aad_prefix=prefix)
    return ours, None if keys else pe.create_decryption_properties(KEY, aad_prefix=prefix)


@pytest.mark.parametrize("options", MODES, ids=str)
@pytest.mark.parametrize("keys, theirs", [
    (None, False), (None, True), ({"i": b"i" * 16, "s": b"s" * 32, "n": b"n" * 16}, False)], ids=["own", "pyarrow's", "columns"])
def test_append(tmp_path, options, keys, theirs):
    """Row groups behind those of either engine: one file for all readers, old statistics and new indexes included."""
    path = tmp_path / "file"
    if theirs:
        # pyarrow notes nothing of keys.
        known = {name: value for name, value in options.items() if name != "footer_key_metadata"}
        pq.write_table(TABLE, path, encryption_properties=pe.create_encryption_properties(KEY, **known))
    else:
        encrypted(path, keys=keys, **options)
    old = path.read_bytes()
    more = pa.concat_tables([TABLE.slice(0, 10)] * 3)
    mine = me.create_encryption_properties(KEY, column_keys=keys, **options)
    with mq.ParquetWriter(path, None, append=True, encryption_properties=mine) as writer:
        writer.write_table(ma.table(more), row_group_size=12)
    encrypted(path, more, keys=keys, write={"append": True}, **options)
    assert path.read_bytes().startswith(old)
    whole = pa.concat_tables([TABLE, more, more])
    read_keys = keys and {leaf: keys.get(leaf) or keys.get(leaf.split(".")[0]) for leaf in LEAVES}
    read_keys = read_keys and {leaf: key for leaf, key in read_keys.items() if key}
    ours, others = readers(options, read_keys)
    if others is not None:
        assert pq.read_table(path, decryption_properties=others).to_pylist() == whole.to_pylist()
    table = mq.read_table(path, decryption_properties=ours)
    assert table.to_pylist() == whole.to_pylist()
    found = mq.read_table(path, decryption_properties=ours, filters=mc.field("i") == 3)
    assert found.num_rows == 7
    metadata = mq.read_metadata(path, decryption_properties=ours)
    assert [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)] == [500, 12, 12, 6, 30]
    assert [metadata.row_group(g).column(0).statistics.max for g in range(5)] == [499, 9, 9, 9, 9]


@pytest.mark.parametrize("wrong, message", [
    (None, "footer key was not given|append"),
    ({"footer_key": b"x" * 16}, "wrong|Failed"),
    ({"keys": {"i": b"x" * 16}}, "another key|wrong|keys of the file"),
    ({"keys": {"i": b"i" * 16, "s": b"s" * 16}}, "another key|only one"),
    ({"keys": None}, "another key|only one"),
    ({"plaintext_footer": True}, "plaintext_footer=False"),
    ({"encryption_algorithm": "AES_GCM_CTR_V1"}, "AES_GCM_V1"),
    ({"aad_prefix": b"z"}, "AAD"),
], ids=str)
def test_append_needs_the_keys_of_the_file(tmp_path, wrong, message):
    path = encrypted(tmp_path / "file", keys={"i": b"i" * 16})
    old = path.read_bytes()
    given = None
    if wrong is not None:
        given = {"footer_key": KEY, "keys": {"i": b"i" * 16}} | wrong
        given = me.create_encryption_properties(given.pop("footer_key"), column_keys=given.pop("keys"), **given)
    with pytest.raises((ma.ArrowInvalid, OSError, ma.lib.ArrowNotImplementedError), match=message):
        with mq.ParquetWriter(path, ma.table(TABLE).schema, append=True, encryption_properties=given) as writer:
            writer.write_table(ma.table(TABLE))
    assert path.read_bytes() == old and len(list(tmp_path.iterdir())) == 1


def test_append_in_the_clear_to_what_is_signed(tmp_path):
    path = encrypted(tmp_path / "file", keys={"i": b"i" * 16}, plaintext_footer=True)
    old = path.read_bytes()
    with pytest.raises(ma.ArrowInvalid, match="the file is encrypted"):
        mq.write_table(ma.table(TABLE), path, append=True)
    assert path.read_bytes() == old


def test_append_to_what_is_not_encrypted(tmp_path):
    mq.write_table(ma.table(TABLE), tmp_path / "file")
    with pytest.raises(ma.ArrowInvalid, match="not encrypted"):
        encrypted(tmp_path / "file", write={"append": True})


@pytest.mark.parametrize("options", MODES, ids=str)
@pytest.mark.parametrize("keys", [None, {"i": b"i" * 16}], ids=["uniform", "one"])
def test_recover_at_every_cut(tmp_path, options, keys):
    """A recoverable file, cut off anywhere, keeps the row groups whose footer is there; values that are such files themselves
    fool nobody."""
    inner = encrypted(tmp_path / "inner", TABLE.slice(0, 5), write={"recoverable": True}, **options).read_bytes()
    table = TABLE.append_column("b", pa.array([inner if i % 200 == 5 else None for i in range(500)], pa.binary()))
    path = encrypted(
        tmp_path / "file", table, keys=keys,
        write={"recoverable": True, "row_group_size": 100, "compression": "none", "use_dictionary": False}, **options)
    whole = path.read_bytes()
    ours, theirs = readers(options, keys)
    if theirs is not None:
        assert pq.read_table(path, decryption_properties=theirs).to_pylist() == table.to_pylist()
    counts = set()
    for cut in list(range(len(whole), 0, -997)) + [4, 0]:
        path.write_bytes(whole[:cut])
        try:
            metadata = mq.recover(path)
        except (ma.ArrowInvalid, OSError):
            assert path.stat().st_size == cut
            counts.add(None)
            continue
        assert (metadata is None) == ("plaintext_footer" not in options)
        back = mq.read_table(path, decryption_properties=ours)
        assert back.num_rows % 100 == 0 and back.to_pylist() == table.slice(0, back.num_rows).to_pylist()
        assert mq.recover(path, decryption_properties=ours).num_rows == back.num_rows
        counts.add(back.num_rows)
    assert counts == {None, 0, 100, 200, 300, 400, 500}


def test_recover_leaves_whole_files(tmp_path):
    for options in MODES:
        path = encrypted(tmp_path / "file", **options)
        old = path.read_bytes()
        mq.recover(path)
        assert path.read_bytes() == old
        path.write_bytes(old[:-9])
        with pytest.raises(ma.ArrowInvalid, match="no whole footer"):
            mq.recover(path)
