"""Key services and encrypted Parquet: key material beside the file, new master keys, and datasets."""

import base64
import json

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from test_parquet_encryption import MASTERS, KeyService, TheirKeyService

import martlet as ma
import martlet.compute as mc
import martlet.dataset as md
import martlet.parquet as mq
import martlet.parquet.encryption as me


def connections(masters=MASTERS):
    return me.KmsConnectionConfig(custom_kms_conf=masters), pe.KmsConnectionConfig(custom_kms_conf=masters)


def both_factories():
    return me.CryptoFactory(KeyService), pe.CryptoFactory(TheirKeyService)


def material_of(path):
    return json.loads((path.parent / f"_KEY_MATERIAL_FOR_{path.name}.json").read_text())


SMALL = pa.table({"a": range(20), "b": [str(i) for i in range(20)], "c": [i / 2 for i in range(20)]})


@pytest.mark.parametrize("double_wrapping", [True, False])
@pytest.mark.parametrize("keys", [{"uniform_encryption": True}, {"column_keys": {"col_key": ["a", "b"], "other": ["c"]}}], ids=str)
def test_external_key_material_both_ways(tmp_path, double_wrapping, keys):
    """Key material beside the file, written by either engine, read by either, and with new master keys by either."""
    options = {"internal_key_material": False, "double_wrapping": double_wrapping, **keys}
    path, theirs = tmp_path / "mine", tmp_path / "theirs"
    mine, other = both_factories()
    connection, their_connection = connections()
    properties = mine.file_encryption_properties(connection, me.EncryptionConfiguration("footer_key", **options), path)
    mq.write_table(ma.table(SMALL), path, encryption_properties=properties)
    properties = other.file_encryption_properties(their_connection, pe.EncryptionConfiguration("footer_key", **options), theirs)
    pq.write_table(SMALL, theirs, encryption_properties=properties)
    names = {name: sorted(json.loads(text)) for name, text in material_of(path).items()}
    assert names == {name: sorted(json.loads(text)) for name, text in material_of(theirs).items()}
    assert len(list(tmp_path.iterdir())) == 4

    def check(file):
        mine, other = both_factories()
        ours = mq.read_table(file, decryption_properties=mine.file_decryption_properties(connection, parquet_file_path=file))
        assert pa.table(ours).equals(SMALL)
        assert pq.read_table(
            file, decryption_properties=other.file_decryption_properties(their_connection, parquet_file_path=file)).equals(SMALL)

    for file in (path, theirs):
        content, before = file.read_bytes(), material_of(file)
        check(file)
        for factory, given in ((me.CryptoFactory(KeyService), connection), (pe.CryptoFactory(TheirKeyService), their_connection)):
            old = material_of(file)
            factory.rotate_master_keys(given, file, double_wrapping=not double_wrapping)
            new = material_of(file)
            assert new.keys() == before.keys()
            assert all(json.loads(new[name])["wrappedDEK"] != json.loads(old[name])["wrappedDEK"] for name in new) or double_wrapping
            assert all(json.loads(text)["doubleWrapping"] is not double_wrapping for text in new.values())
            check(file)
            factory.rotate_master_keys(given, file, double_wrapping=double_wrapping)
            check(file)
        assert file.read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 4


def test_rotation_leaves_no_use_for_the_old_master_keys(tmp_path):
    """The service has new keys under the old names for wrapping: what is then written is opened by the new ones alone."""
    path = tmp_path / "file"

    class Rotating(KeyService):
        new = MASTERS | {"footer_key": "n" * 16}

        def wrap_key(self, key_bytes, master_key_identifier):
            return base64.b64encode(self.new[master_key_identifier].encode() + key_bytes)

    connection, _ = connections()
    mine, _ = both_factories()
    config = me.EncryptionConfiguration("footer_key", uniform_encryption=True, internal_key_material=False)
    mq.write_table(ma.table(SMALL), path, encryption_properties=mine.file_encryption_properties(connection, config, path))
    me.CryptoFactory(Rotating).rotate_master_keys(connection, path)
    fresh, _ = connections(Rotating.new)
    assert pa.table(mq.read_table(path, decryption_properties=me.CryptoFactory(KeyService).file_decryption_properties(
        fresh, parquet_file_path=path))).equals(SMALL)
    with pytest.raises(AssertionError):
        mq.read_table(path, decryption_properties=me.CryptoFactory(KeyService).file_decryption_properties(
            connection, parquet_file_path=path))
    # A service that cannot be reached changes nothing.
    before = material_of(path)
    with pytest.raises(AssertionError):
        me.CryptoFactory(KeyService).rotate_master_keys(connection, path)
    assert material_of(path) == before and len(list(tmp_path.iterdir())) == 2


def test_external_key_material_needs_a_path(tmp_path):
    mine, _ = both_factories()
    config = me.EncryptionConfiguration("footer_key", uniform_encryption=True, internal_key_material=False)
    with pytest.raises(OSError, match="path must be specified"):
        mine.file_encryption_properties(connections()[0], config)
    with pytest.raises(FileNotFoundError):
        mine.rotate_master_keys(connections()[0], tmp_path / "none")


KEYED = pa.table({"k": [1, 1, 2, 2, 3], "a": range(5), "b": ["x", "y", None, "z", "w"]})


@pytest.mark.parametrize("keys", [{"uniform_encryption": True}, {"column_keys": {"col_key": ["a", "b"]}}], ids=str)
@pytest.mark.parametrize("plaintext_footer", [False, True])
@pytest.mark.parametrize("writer", ["mine", "theirs", "files"])
def test_datasets_with_a_key_service(tmp_path, keys, plaintext_footer, writer):
    """Directories written by either engine, or file by file with keys of their own, are read by both."""
    options = {"plaintext_footer": plaintext_footer, **keys}
    mine, other = both_factories()
    connection, their_connection = connections()
    root = tmp_path / "d"
    if writer == "mine":
        config = md.ParquetEncryptionConfig(mine, connection, me.EncryptionConfiguration("footer_key", **options))
        file_options = md.ParquetFileFormat().make_write_options(encryption_config=config)
        md.write_dataset(
            ma.table(KEYED), root, format="parquet", file_options=file_options, partitioning=["k"], partitioning_flavor="hive")
    elif writer == "theirs":
        config = pads.ParquetEncryptionConfig(other, their_connection, pe.EncryptionConfiguration("footer_key", **options))
        file_options = pads.ParquetFileFormat().make_write_options(encryption_config=config)
        pads.write_dataset(
            KEYED, root, format="parquet", file_options=file_options, partitioning=["k"], partitioning_flavor="hive")
    else:
        for k in (1, 2, 3):
            (root / f"k={k}").mkdir(parents=True)
            # Each by a factory of its own, so that nothing is shared but the master keys.
            properties = me.CryptoFactory(KeyService).file_encryption_properties(
                connection, me.EncryptionConfiguration("footer_key", **options))
            part = KEYED.filter(pa.compute.field("k") == k).drop(["k"])
            mq.write_table(ma.table(part), root / f"k={k}" / "file.parquet", encryption_properties=properties)
    expected = sorted(map(str, KEYED.to_pylist()))

    def rows(table):
        return sorted(str({name: row[name] for name in KEYED.column_names}) for row in table.to_pylist())

    decryption = md.ParquetDecryptionConfig(mine, connection, me.DecryptionConfiguration())
    format = md.ParquetFileFormat(default_fragment_scan_options=md.ParquetFragmentScanOptions(decryption_config=decryption))
    dataset = md.dataset(root, format=format, partitioning="hive")
    assert rows(dataset.to_table()) == expected
    assert dataset.count_rows() == 5
    assert dataset.to_table(filter=mc.field("a") == 3, columns=["b", "k"]).to_pylist() == [{"b": "z", "k": 2}]
    assert sum(fragment.count_rows() for fragment in dataset.get_fragments()) == 5
    assert [fragment.num_row_groups for fragment in dataset.get_fragments()] == [1, 1, 1]
    properties = mine.file_decryption_properties(connection)
    assert rows(mq.read_table(root, decryption_properties=properties)) == expected
    assert rows(mq.read_table(root, decryption_properties=properties, filters=[("k", "<", 5)])) == expected

    theirs = pads.ParquetDecryptionConfig(other, their_connection, pe.DecryptionConfiguration())
    scan = pads.ParquetFragmentScanOptions(decryption_config=theirs)
    found = pads.dataset(
        root, format=pads.ParquetFileFormat(default_fragment_scan_options=scan), partitioning="hive").to_table()
    assert rows(found) == expected


def test_datasets_where_a_key_is_denied(tmp_path):
    mine, _ = both_factories()
    connection, _ = connections()
    config = md.ParquetEncryptionConfig(
        mine, connection, me.EncryptionConfiguration("footer_key", column_keys={"col_key": ["a"], "other": ["b"]}))
    mq.write_to_dataset(
        ma.table(KEYED), tmp_path / "d", partition_cols=["k"], encryption_properties=config)
    denying = me.CryptoFactory(lambda config: KeyService(config, denied=("other",)))
    properties = denying.file_decryption_properties(connection)
    table = mq.read_table(tmp_path / "d", columns=["a"], decryption_properties=properties)
    assert sorted(table["a"].to_pylist()) == [0, 1, 2, 3, 4]
    with pytest.raises((ma.ArrowInvalid, OSError), match="no access to other"):
        mq.read_table(tmp_path / "d", decryption_properties=properties)
    with pytest.raises((ma.ArrowInvalid, OSError)):
        mq.read_table(tmp_path / "d")
    external = me.EncryptionConfiguration("footer_key", uniform_encryption=True, internal_key_material=False)
    with pytest.raises(ma.lib.ArrowNotImplementedError, match="internal_key_material"):
        mq.write_to_dataset(
            ma.table(KEYED), tmp_path / "e", encryption_properties=md.ParquetEncryptionConfig(mine, connection, external))


def test_datasets_have_pyarrows_classes():
    import inspect

    names = {"ParquetEncryptionConfig", "ParquetDecryptionConfig", "ParquetFragmentScanOptions"}
    assert names <= set(dir(pads)) & set(md.__all__)
    for kind in (md.ParquetEncryptionConfig, md.ParquetDecryptionConfig):
        with pytest.raises(ValueError, match="cannot be None"):
            kind(*both_factories()[:1], connections()[0], None)
    assert "decryption_config" in inspect.signature(md.ParquetFragmentScanOptions).parameters
