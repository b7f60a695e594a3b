"""Keys of encrypted Parquet files, with pyarrow's names.

`create_encryption_properties` and `create_decryption_properties` take the keys themselves. `CryptoFactory` makes keys for each
file and has a key management service wrap them: subclass `KmsClient`, and the file says which master key opens it. Files of
either kind are pyarrow's and the other way round. AES is OpenSSL's libcrypto, loaded when it is first needed.
"""

import base64
import datetime
import json
import os
import secrets
import time

from .. import _abi
from .._abi import lib
from .._errors import ArrowInvalid, ArrowNotImplementedError
from .._fs_resolve import located

__all__ = [
    "CryptoFactory", "DecryptionConfiguration", "EncryptionConfiguration", "FileDecryptionProperties",
    "FileEncryptionProperties", "KmsClient", "KmsConnectionConfig", "create_decryption_properties",
    "create_encryption_properties",
]

_ALGORITHMS = ("AES_GCM_V1", "AES_GCM_CTR_V1")


def _key(value, name):
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(f"{name} must be bytes, not {type(value).__name__}")
    value = bytes(value)
    if len(value) not in (16, 24, 32):
        raise ValueError(f"{name} must be 16, 24, or 32 bytes for AES-128, AES-192 or AES-256, got {len(value)} bytes")
    return value


def _bytes(value, name):
    if value is None:
        return None
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(f"{name} must be bytes, not {type(value).__name__}")
    return bytes(value)


def _hexadecimal(value):
    return None if value is None else value.hex()


class FileEncryptionProperties:
    """The keys of one file that is to be written: `write_table(..., encryption_properties=...)`."""

    def __init__(self):
        raise TypeError("Do not call FileEncryptionProperties's constructor directly, use create_encryption_properties")

    @classmethod
    def _make(cls, footer_key, footer_metadata, columns, aad_prefix, store, algorithm, plaintext_footer):
        if algorithm not in _ALGORITHMS:
            raise ValueError(f"Invalid cipher name: {algorithm!r}; there are {' and '.join(_ALGORITHMS)}")
        self = object.__new__(cls)
        self._options = {
            "encryption_footer_key": _hexadecimal(footer_key),
            "encryption_footer_key_metadata": _hexadecimal(footer_metadata),
            "encryption_algorithm": algorithm,
            "encryption_plaintext_footer": bool(plaintext_footer),
            "encryption_aad_prefix": _hexadecimal(aad_prefix),
            "encryption_store_aad_prefix": bool(store),
        }
        for path, (key, metadata) in columns.items():
            self._options[f"encryption_column_key:{path}"] = _hexadecimal(key)
            self._options[f"encryption_column_key_metadata:{path}"] = _hexadecimal(metadata)
        return self

    def _engine_options(self, source=None):
        return self._options

    def _for_reading(self):
        """The same keys for reading."""
        other = object.__new__(FileDecryptionProperties)
        other._unwrapper = None
        other._options = {
            name.replace("encryption", "decryption", 1): value for name, value in self._options.items()
            if name.startswith(("encryption_footer_key", "encryption_column_key:", "encryption_aad_prefix"))
            and not name.endswith("key_metadata")
        }
        return other


class FileDecryptionProperties:
    """The keys of files that are to be read: `read_table(..., decryption_properties=...)`."""

    def __init__(self):
        raise TypeError("Do not call FileDecryptionProperties's constructor directly, use create_decryption_properties")

    @classmethod
    def _make(cls, footer_key, columns, aad_prefix, check_footer_integrity, unwrapper=None, allows_plaintext=True):
        self = object.__new__(cls)
        self._options = {
            "decryption_footer_key": _hexadecimal(footer_key),
            "decryption_aad_prefix": _hexadecimal(aad_prefix),
            "decryption_check_footer": bool(check_footer_integrity),
            "decryption_allow_plaintext": bool(allows_plaintext),
        }
        for path, key in columns.items():
            self._options[f"decryption_column_key:{path}"] = _hexadecimal(key)
        self._unwrapper = unwrapper
        return self

    def _engine_options(self, source=None):
        if self._unwrapper is None:
            return self._options
        if source is None:
            # A dataset asks for the keys of its files when it knows them.
            return {**self._options, "key_service": self._unwrapper}
        return self._unwrapper(self._options, source)


def create_encryption_properties(
    footer_key, *, column_keys=None, aad_prefix=None, store_aad_prefix=True, encryption_algorithm="AES_GCM_V1",
    plaintext_footer=False, footer_key_metadata=None, column_key_metadata=None,
):
    """Properties from keys of 16, 24 or 32 bytes.

    `column_keys` is a dictionary of column paths to keys: other columns then stay in the clear. Without it `footer_key` is for
    the footer and all columns. `footer_key_metadata` and `column_key_metadata` are kept in the file in the clear, for readers
    who have to find the keys.
    """
    notes = column_key_metadata or {}
    columns = {
        path: (_key(key, f"the key of column '{path}'"), _bytes(notes.get(path), "column_key_metadata"))
        for path, key in (column_keys or {}).items()
    }
    for path in notes:
        if path not in columns:
            raise ValueError(f"column_key_metadata: column '{path}' has no key in column_keys")
    return FileEncryptionProperties._make(
        _key(footer_key, "footer_key"), _bytes(footer_key_metadata, "footer_key_metadata"), columns,
        _bytes(aad_prefix, "aad_prefix"), store_aad_prefix, encryption_algorithm, plaintext_footer)


def create_decryption_properties(
    footer_key=None, *, column_keys=None, aad_prefix=None, check_footer_integrity=True, allow_plaintext_files=False,
):
    """Properties from the keys that a file was written with; `aad_prefix` where the file does not hold it.

    Columns whose key is missing cannot be read, all others can. Files in the clear are refused unless
    `allow_plaintext_files`: who holds keys expects what nobody else can have written.
    """
    columns = {path: _key(key, f"the key of column '{path}'") for path, key in (column_keys or {}).items()}
    return FileDecryptionProperties._make(
        None if footer_key is None else _key(footer_key, "footer_key"), columns, _bytes(aad_prefix, "aad_prefix"),
        check_footer_integrity, allows_plaintext=allow_plaintext_files)


# ---- key management --------------------------------------------------------------------------------------------------


class KmsClient:
    """A key management service, to be subclassed: it wraps keys with master keys that never leave it."""

    def wrap_key(self, key_bytes, master_key_identifier):
        """The key (bytes), encrypted by the master key of that name, as text."""
        raise NotImplementedError()

    def unwrap_key(self, wrapped_key, master_key_identifier):
        """The key (bytes) again, of the text that `wrap_key` gave."""
        raise NotImplementedError()


class KmsConnectionConfig:
    """How to reach the key management service; given to the factory of clients."""

    def __init__(self, kms_instance_id=None, *, kms_instance_url=None, key_access_token=None, custom_kms_conf=None):
        self.kms_instance_id = kms_instance_id or ""
        self.kms_instance_url = kms_instance_url or ""
        self._token = key_access_token or "DEFAULT"
        self.custom_kms_conf = dict(custom_kms_conf or {})

    @property
    def key_access_token(self):
        return self._token

    @key_access_token.setter
    def key_access_token(self, value):
        self._token = value

    def refresh_key_access_token(self, value):
        self._token = value


def _lifetime(value):
    if value is None:
        return datetime.timedelta(minutes=10)
    if not isinstance(value, datetime.timedelta):
        raise TypeError("cache_lifetime must be a timedelta object.")
    return value


class EncryptionConfiguration:
    """Which master keys encrypt what: `footer_key`, and `column_keys` (a dictionary of master keys to lists of columns) or
    `uniform_encryption` (the footer's for all)."""

    def __init__(
        self, footer_key, column_keys=None, *, uniform_encryption=None, encryption_algorithm=None, plaintext_footer=None,
        double_wrapping=None, cache_lifetime=None, internal_key_material=None, data_key_length_bits=None,
    ):
        self.footer_key = footer_key
        self.column_keys = dict(column_keys or {})
        self.uniform_encryption = bool(uniform_encryption)
        self.encryption_algorithm = encryption_algorithm or "AES_GCM_V1"
        if self.encryption_algorithm not in _ALGORITHMS:
            raise ValueError(f"Invalid cipher name: {encryption_algorithm}")
        self.plaintext_footer = bool(plaintext_footer)
        self.double_wrapping = True if double_wrapping is None else bool(double_wrapping)
        self.cache_lifetime = _lifetime(cache_lifetime)
        self.internal_key_material = True if internal_key_material is None else bool(internal_key_material)
        self.data_key_length_bits = 128 if data_key_length_bits is None else int(data_key_length_bits)


class DecryptionConfiguration:
    """How long unwrapped keys may be used again."""

    def __init__(self, cache_lifetime=None, *, read_kms_url=None):
        if isinstance(cache_lifetime, (int, float)):
            cache_lifetime = datetime.timedelta(seconds=cache_lifetime)
        self.cache_lifetime = _lifetime(cache_lifetime)
        self.read_kms_url = bool(read_kms_url)


class CryptoFactory:
    """Makes the properties of files whose keys a key management service wraps.

    `kms_client_factory` is called with a KmsConnectionConfig and returns a KmsClient.
    """

    def __init__(self, kms_client_factory):
        if not callable(kms_client_factory):
            raise TypeError("Parameter kms_client_factory must be a callable")
        self._make_client = kms_client_factory
        self._clients = {}
        self._wrapping_keys = {}
        self._unwrapped = {}

    def remove_cache_entries_for_token(self, access_token):
        for cache in (self._clients, self._wrapping_keys, self._unwrapped):
            for key in [key for key in cache if key[0] == access_token]:
                del cache[key]

    def remove_cache_entries_for_all_tokens(self):
        for cache in (self._clients, self._wrapping_keys, self._unwrapped):
            cache.clear()

    @staticmethod
    def _cached(cache, key, lifetime, make):
        found = cache.get(key)
        if found is not None and time.monotonic() < found[0]:
            return found[1]
        value = make()
        cache[key] = (time.monotonic() + lifetime.total_seconds(), value)
        return value

    def _client(self, connection, lifetime):
        def made():
            client = self._make_client(connection)
            if not isinstance(client, KmsClient) and not hasattr(client, "unwrap_key"):
                raise TypeError("callable must return KmsClient instances, but got {}".format(type(client)))
            return client

        return self._cached(self._clients, (connection.key_access_token, connection.kms_instance_id), lifetime, made)

    # ---- writing ----

    def file_encryption_properties(self, kms_connection_config, encryption_config, parquet_file_path=None, filesystem=None):
        """The properties of one file: its keys are made now, each is new."""
        config = encryption_config
        if not config.footer_key:
            raise ArrowInvalid("Footer key id is not specified")
        if config.column_keys and config.uniform_encryption:
            raise OSError("Cannot set both column_keys and uniform_encryption")
        if not config.column_keys and not config.uniform_encryption:
            raise OSError("Either column_keys or uniform_encryption must be set")
        materials = None if config.internal_key_material else {}
        if materials is not None and parquet_file_path is None:
            raise OSError(
                "Failed to get key material store.\n"
                "The Parquet file path must be specified when using external key material")
        if config.data_key_length_bits not in (128, 192, 256):
            raise OSError("Wrong data key length : %d" % config.data_key_length_bits)
        client = self._client(kms_connection_config, config.cache_lifetime)
        footer_key = secrets.token_bytes(config.data_key_length_bits // 8)

        def note(key, master_key, is_footer):
            material = self._new_material(kms_connection_config, config, client, key, master_key, is_footer)
            if materials is None:
                return _json({"keyMaterialType": "PKMT1", "internalStorage": True, **material})
            name = "footerKey" if is_footer else f"columnKey{len(materials) - 1}"
            materials[name] = _json({"keyMaterialType": "PKMT1", **material}).decode()
            return _json({"keyMaterialType": "PKMT1", "internalStorage": False, "keyReference": name})

        footer_note = note(footer_key, config.footer_key, True)
        columns = {}
        for master_key, paths in config.column_keys.items():
            for path in [paths] if isinstance(paths, str) else paths:
                if path in columns:
                    raise OSError(f"Multiple keys defined for the same column: {path}")
                key = secrets.token_bytes(config.data_key_length_bits // 8)
                columns[path] = (key, note(key, master_key, False))
        if materials is not None:
            _replace(_material_path(parquet_file_path), _json(materials))
        return FileEncryptionProperties._make(
            footer_key, footer_note, columns, None, True, config.encryption_algorithm, config.plaintext_footer)

    def _new_material(self, connection, config, client, key, master_key, is_footer):
        """What is kept of a key: which master key wraps it, and the key, wrapped."""
        note = {"isFooterKey": is_footer}
        if is_footer:
            note["kmsInstanceID"] = connection.kms_instance_id or "DEFAULT"
            note["kmsInstanceURL"] = connection.kms_instance_url or "DEFAULT"
        note["masterKeyID"] = master_key
        note["doubleWrapping"] = config.double_wrapping
        if config.double_wrapping:
            place = (connection.key_access_token, master_key)
            wrapping_id, wrapping_key, wrapped = self._cached(
                self._wrapping_keys, place, config.cache_lifetime, lambda: self._new_wrapping_key(client, master_key))
            note["keyEncryptionKeyID"] = base64.b64encode(wrapping_id).decode()
            note["wrappedKEK"] = wrapped
            note["wrappedDEK"] = base64.b64encode(_aes_gcm(wrapping_key, key, wrapping_id, True)).decode()
        else:
            note["wrappedDEK"] = _text(client.wrap_key(key, master_key))
        return note

    @staticmethod
    def _new_wrapping_key(client, master_key):
        key = secrets.token_bytes(16)
        return secrets.token_bytes(16), key, _text(client.wrap_key(key, master_key))

    # ---- reading ----

    def file_decryption_properties(
        self, kms_connection_config, decryption_config=None, parquet_file_path=None, filesystem=None
    ):
        """The properties for reading files; their keys are unwrapped when a file is opened."""
        config = decryption_config or DecryptionConfiguration()

        def unwrap(options, source, path=parquet_file_path, by_note=False):
            return self._unwrap_all(kms_connection_config, config, path, options, source, by_note)

        return FileDecryptionProperties._make(None, {}, None, True, unwrap)

    def _unwrap_all(self, connection, config, path, options, source, by_note):
        """The options with the keys of the file: by the names of columns, or by what the file notes of them, for files that
        have keys of their own."""
        options = dict(options)
        footer_key = None
        for _ in range(2):
            # The notes on columns may be in the footer, and that encrypted.
            asked = options if footer_key is None else {**options, "decryption_footer_key": footer_key}
            text = _abi.buffer_text(_abi.new(lib.martlet_parquet_key_metadata, source.handle, *_abi.pack_options(asked)))
            for line in text.splitlines():
                note, _, column = line.partition(" ")
                if not column and footer_key is not None:
                    continue
                name = f"decryption_column_key:{column}" if column else "decryption_footer_key"
                failure = f"decryption_column_failure:{column}"
                if by_note:
                    name, failure = f"decryption_key:{note}", f"decryption_key_failure:{note}"
                if options.get(name) is None:
                    try:
                        options[name] = self._unwrap(connection, config, path, bytes.fromhex(note)).hex()
                    except Exception as problem:
                        if not column:
                            raise
                        # The others can still be read.
                        options[failure] = f"{type(problem).__name__}: {problem}"
                if not column:
                    footer_key = options[name]
            if footer_key is None:
                break
        return options

    def _unwrap(self, connection, config, path, note):
        material = self._material(note)
        if not material.get("internalStorage", True):
            material = self._external(material, path)
        if not connection.kms_instance_id:
            connection.kms_instance_id = material.get("kmsInstanceID") or "DEFAULT"
        if config.read_kms_url and material.get("kmsInstanceURL"):
            connection.kms_instance_url = material["kmsInstanceURL"]
        if not connection.kms_instance_url:
            connection.kms_instance_url = "DEFAULT"
        client = self._client(connection, config.cache_lifetime)
        master_key = material["masterKeyID"]
        if not material["doubleWrapping"]:
            return bytes(client.unwrap_key(material["wrappedDEK"], master_key))
        wrapping_id = base64.b64decode(material["keyEncryptionKeyID"])
        wrapping_key = self._cached(
            self._unwrapped, (connection.key_access_token, wrapping_id), config.cache_lifetime,
            lambda: bytes(client.unwrap_key(material["wrappedKEK"], master_key)))
        return _aes_gcm(wrapping_key, base64.b64decode(material["wrappedDEK"]), wrapping_id, False)

    @staticmethod
    def _material(note):
        try:
            material = json.loads(note)
        except ValueError:
            material = None
        if not isinstance(material, dict) or material.get("keyMaterialType") != "PKMT1":
            raise ArrowInvalid("the file's keys were not made by a key management service: pass the keys themselves")
        return material

    @classmethod
    def _external(cls, material, path):
        """The key material that lies in a file beside the Parquet file."""
        if path is None:
            raise ArrowInvalid("Parquet file path must be specified when using external key material")
        with open(_material_path(path), "rb") as file:
            kept = json.load(file)
        return cls._material(kept[material["keyReference"]].encode())

    # ---- new master keys ----

    def rotate_master_keys(
        self, kms_connection_config, parquet_file_path, filesystem=None, double_wrapping=True, cache_lifetime_seconds=600,
        read_kms_url=False,
    ):
        """Has the keys of a file wrapped anew, by what the service now has under the names of the master keys.

        The keys themselves and the Parquet file stay as they are; the file of key material beside it is replaced as a whole.
        """
        lifetime = datetime.timedelta(seconds=cache_lifetime_seconds)
        config = EncryptionConfiguration(
            "", uniform_encryption=True, double_wrapping=double_wrapping, cache_lifetime=lifetime)
        reading = DecryptionConfiguration(lifetime, read_kms_url=read_kms_url)
        parquet_file_path, elsewhere = located(parquet_file_path, filesystem)
        if elsewhere is not None:
            raise ArrowNotImplementedError(
                f"filesystem={filesystem!r} is not supported; key material is changed in files of this machine alone")
        place = _material_path(parquet_file_path)
        with open(place, "rb") as file:
            kept = json.load(file)
        # What wraps keys must be new as well.
        for key in [key for key in self._wrapping_keys if key[0] == kms_connection_config.key_access_token]:
            del self._wrapping_keys[key]
        renewed = {}
        for name, text in kept.items():
            old = self._material(text.encode())
            key = self._unwrap(kms_connection_config, reading, parquet_file_path, text.encode())
            client = self._client(kms_connection_config, lifetime)
            material = self._new_material(
                kms_connection_config, config, client, key, old["masterKeyID"], bool(old.get("isFooterKey")))
            renewed[name] = _json({"keyMaterialType": "PKMT1", **material}).decode()
        _replace(place, _json(renewed))


def _material_path(path):
    """The file beside a Parquet file that holds its key material."""
    folder, name = os.path.split(os.fspath(path))
    return os.path.join(folder, f"_KEY_MATERIAL_FOR_{name}.json")


def _json(value):
    return json.dumps(value, separators=(",", ":")).encode()


def _replace(path, content):
    """Writes a file that is there as a whole or not."""
    beside = f"{path}.{secrets.token_hex(8)}"
    try:
        with open(beside, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        if os.path.exists(beside):
            os.unlink(beside)
        raise


def _text(wrapped):
    return wrapped if isinstance(wrapped, str) else bytes(wrapped).decode()


def _aes_gcm(key, data, aad, seals):
    return _abi.buffer_bytes(
        _abi.new(lib.martlet_aes_gcm, key, len(key), data, len(data), aad, len(aad), seals))
