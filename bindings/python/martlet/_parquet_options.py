"""The keyword arguments of pyarrow's Parquet writers and readers as the engine's options."""

from collections import namedtuple

from ._errors import ArrowException, ArrowInvalid, ArrowNotImplementedError

_CODECS = ("none", "uncompressed", "snappy", "gzip", "brotli", "lz4", "zstd", "lz4_raw")


def _unsupported(name, value, fix):
    raise ArrowNotImplementedError(f"{name}={value!r} is not supported; {fix}")


def check_names(columns, schema):
    """Refuses names that are neither columns nor paths into one."""
    names = set(schema.names)
    for name in columns or ():
        if name not in names and name.split(".")[0] not in names:
            raise ArrowInvalid(f"No match for FieldRef.Name({name}) in {schema.to_string()}")


def _encryption_options(value, source=None):
    """The engine's options for the keys of a file."""
    if value is None:
        return {}
    if not hasattr(value, "_engine_options"):
        _unsupported(
            "encryption or decryption properties", value, "make them with the functions of martlet.parquet.encryption")
    return value._engine_options(source)

def _codec(value):
    name = "none" if value is None else value
    if isinstance(name, str) and name.lower() == "lzo":
        raise OSError("Unsupported compression: lzo, which the Parquet format has but nobody here; use zstd or snappy")
    if not isinstance(name, str) or name.lower() not in _CODECS:
        raise ArrowException(f"Unsupported compression: {value}; supported are {', '.join(_CODECS)}")
    name = name.lower()
    return {"uncompressed": "none", "lz4_raw": "lz4"}.get(name, name)


def _per_column(options, key, value, listed=True, convert=lambda v: v):
    """A value for all columns, a dictionary of columns to values, or a list of the columns that have it."""
    if isinstance(value, dict):
        for column, one in value.items():
            options[f"{key}:{column}"] = convert(one)
    elif isinstance(value, (list, tuple, set, frozenset)) and listed:
        options[key] = False
        for column in value:
            options[f"{key}:{column}"] = True
    else:
        options[key] = convert(value)


class _WriterOptions:
    """pyarrow's keyword arguments of writers as the engine's options."""

    names = (
        "row_group_size", "version", "use_dictionary", "compression", "write_statistics",
        "use_deprecated_int96_timestamps", "coerce_timestamps", "allow_truncated_timestamps", "data_page_size", "flavor",
        "compression_level", "use_byte_stream_split", "column_encoding", "writer_engine_version", "data_page_version",
        "use_compliant_nested_type", "encryption_properties", "write_batch_size", "dictionary_pagesize_limit",
        "store_schema", "write_page_index", "write_page_checksum", "sorting_columns", "store_decimal_as_integer",
        "write_time_adjusted_to_utc", "max_rows_per_page", "bloom_filter_options", "use_content_defined_chunking",
        "memory_pool", "row_group_bytes", "use_threads", "created_by", "ieee754_total_order", "recoverable",
    )

    def __init__(self, function, given, schema=None):
        for name in given:
            if name not in self.names:
                raise TypeError(f"{function}() got an unexpected keyword argument '{name}'")
        self._given = given
        self._schema = schema

    def _value(self, name, default=None):
        value = self._given.get(name)
        return default if value is None else value

    def engine(self):
        self._check_what_is_not_supported()
        options = {}
        for name, allowed, what in (
            ("version", ("1.0", "2.4", "2.6"), "Unsupported Parquet format version"),
            ("data_page_version", ("1.0", "2.0"), "Unsupported Parquet data page version"),
            ("coerce_timestamps", ("ms", "us"), "Invalid value for coerce_timestamps"),
        ):
            value = self._given.get(name)
            if value is not None and value not in allowed:
                raise ValueError(f"{what}: {value}; expected one of {', '.join(allowed)}")
            options[name] = value
        for name in (
            "data_page_size", "dictionary_pagesize_limit", "max_rows_per_page", "row_group_size", "row_group_bytes",
            "write_batch_size",
        ):
            value = self._given.get(name)
            if value is not None:
                value = _whole(name, value)
                if value <= 0:
                    raise ValueError(f"{name} must be a number above 0, not {value!r}")
            options[name] = value
        # Pages are as long as their limits say, however values come to them.
        del options["write_batch_size"]
        for name in (
            "allow_truncated_timestamps", "use_deprecated_int96_timestamps", "store_schema", "write_page_index",
            "write_page_checksum", "use_threads", "ieee754_total_order", "recoverable", "store_decimal_as_integer",
            "write_time_adjusted_to_utc",
        ):
            value = self._given.get(name)
            options[name] = None if value is None else bool(value)
        if self._given.get("use_compliant_nested_type") is False:
            options["use_compliant_nested_type"] = False
        self._add_chunking(options)
        options["created_by"] = self._given.get("created_by")
        self._add_per_column(options)
        options["sorting_columns"] = self._sorting()
        options.update(_encryption_options(self._given.get("encryption_properties")))
        return options

    def _add_chunking(self, options):
        value = self._given.get("use_content_defined_chunking")
        if isinstance(value, dict):
            for what, keys in (
                ("Unknown", value.keys() - {"min_chunk_size", "max_chunk_size", "norm_level"}),
                ("Missing", {"min_chunk_size", "max_chunk_size"} - value.keys()),
            ):
                if keys:
                    raise ValueError(f"{what} options in 'use_content_defined_chunking': {keys}")
            options.update((name, int(number)) for name, number in value.items())
        elif value is not None and not isinstance(value, bool):
            raise TypeError("'use_content_defined_chunking' should be either boolean or a dictionary")
        options["use_content_defined_chunking"] = isinstance(value, dict) or value

    def _add_per_column(self, options):
        given = self._given
        if "compression" in given:
            if isinstance(given["compression"], dict):
                options["compression"] = "none"
            _per_column(options, "compression", given["compression"], listed=False, convert=_codec)
        if given.get("compression_level") is not None:
            codec = options.get("compression")
            if codec in ("none", "snappy") and not isinstance(given["compression"], dict):
                name = "uncompressed" if codec == "none" else codec
                raise ArrowInvalid(f"Codec '{name}' doesn't support setting a compression level.")
            _per_column(options, "compression_level", given["compression_level"], listed=False, convert=int)
        for name in ("use_dictionary", "write_statistics", "use_byte_stream_split"):
            if given.get(name) is not None:
                _per_column(options, name, given[name], convert=bool)
        self._add_bloom_filters(options)
        encoding = given.get("column_encoding")
        if encoding is not None:
            if self._value("use_dictionary", True) is True:
                raise ValueError("To use 'column_encoding' set 'use_dictionary' to False")
            if self._value("use_byte_stream_split", False):
                raise ValueError("'use_byte_stream_split' cannot be passed together with 'column_encoding'")
            _per_column(options, "column_encoding", encoding, listed=False, convert=_encoding)

    def _add_bloom_filters(self, options):
        wanted = self._given.get("bloom_filter_options")
        if not wanted:
            return
        if not isinstance(wanted, dict):
            raise TypeError(f"'bloom_filter_options' must be a dictionary, not {type(wanted).__name__}")
        leaves = _leaf_paths(self._schema) if self._schema is not None else None
        for column, one in wanted.items():
            if one is False:
                continue
            if one is not True and not isinstance(one, dict):
                raise TypeError("'bloom_filter_options' values must be a boolean or a dictionary")
            if leaves is not None and column not in leaves:
                raise ValueError(
                    f"bloom_filter_options: no column '{column}'; leaf columns are {', '.join(leaves[:20])}")
            options[f"bloom_filter:{column}"] = True
            one = {} if one is True else one
            for name in one:
                if name not in ("ndv", "fpp"):
                    raise ValueError(f"bloom_filter_options: '{name}' is unknown; there are 'ndv' and 'fpp'")
            if one.get("ndv") is not None:
                where = f"'bloom_filter_options:ndv' for column '{column}' must be"
                if not hasattr(one["ndv"], "__index__"):
                    raise TypeError(f"{where} an int, got {one['ndv']!r}")
                if one["ndv"] <= 0:
                    raise ValueError(f"{where} greater than zero, got {one['ndv']!r}")
                options[f"bloom_filter_ndv:{column}"] = int(one["ndv"])
            if one.get("fpp") is not None:
                where = f"'bloom_filter_options:fpp' for column '{column}' must be"
                if isinstance(one["fpp"], (str, bytes)) or not hasattr(one["fpp"], "__float__"):
                    raise TypeError(f"{where} a float, got {one['fpp']!r}")
                if not 0 < float(one["fpp"]) < 1:
                    raise ValueError(f"{where} in (0.0, 1.0), got {one['fpp']!r}")
                options[f"bloom_filter_fpp:{column}"] = repr(float(one["fpp"]))

    def _sorting(self):
        columns = self._given.get("sorting_columns")
        if not columns:
            return None
        leaves = _leaf_paths(self._schema)
        parts = []
        for column in columns:
            if not isinstance(column, SortingColumn):
                raise TypeError(f"sorting_columns must be SortingColumn objects, not {type(column).__name__}")
            if not 0 <= column.column_index < len(leaves):
                raise IndexError(f"sorting column {column.column_index}: the schema has {len(leaves)} leaf columns")
            order = "descending" if column.descending else "ascending"
            nulls = "nulls_first" if column.nulls_first else "nulls_last"
            parts.append(f"{leaves[column.column_index]}:{order}:{nulls}")
        return ",".join(parts)

    def _check_what_is_not_supported(self):
        given = self._given
        if given.get("flavor") is not None:
            _unsupported("flavor", given["flavor"], "rename the columns and cast timestamps before writing")


def _whole(name, value):
    """A whole number; what is behind the point of a float is cut off, as in pyarrow."""
    if isinstance(value, (str, bytes)) or not (hasattr(value, "__index__") or hasattr(value, "__int__")):
        raise TypeError(f"an integer is required for {name}, not {type(value).__name__}")
    return int(value)


def row_group_rows(size):
    """The rows of a row group that a user asked for; -1 leaves it to the writer, which is None here."""
    if size is None:
        return None
    size = _whole("row_group_size", size)
    if size == 0:
        raise ValueError("Row group size cannot be 0: it must be above 0")
    if size < -1:
        raise ArrowInvalid(f"chunk size per row_group must be greater than 0, not {size}")
    return None if size == -1 else size


def _encoding(value):
    known = (
        "PLAIN", "BYTE_STREAM_SPLIT", "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE",
        "ALP",
    )
    if value in ("RLE_DICTIONARY", "PLAIN_DICTIONARY"):
        raise ValueError("'RLE_DICTIONARY' and 'PLAIN_DICTIONARY' are already used by default.")
    if not isinstance(value, str) or value.upper() not in known:
        raise ValueError(f"Unsupported column encoding: {value!r}; supported are {', '.join(known)}")
    return value.upper()


def _leaf_paths(schema):
    """The dotted paths of a schema's leaf columns in the file."""

    def leaves(field, path):
        children = field.type._fields()
        if not children or hasattr(field.type, "index_type"):
            yield path
            return
        kind = str(field.type).split("<")[0]
        for child in children:
            if kind in ("list", "large_list", "list_view", "large_list_view", "fixed_size_list"):
                yield from leaves(child, f"{path}.list.element")
            elif kind == "map":
                for part in child.type._fields():
                    yield from leaves(part, f"{path}.key_value.{part.name}")
            else:
                yield from leaves(child, f"{path}.{child.name}")

    return [leaf for field in schema for leaf in leaves(field, field.name)]


def _file_options(
    read_dictionary=None,
    binary_type=None,
    list_type=None,
    coerce_int96_timestamp_unit=None,
    decryption_properties=None,
    page_checksum_verification=None,
    arrow_extensions_enabled=True,
    unshred_variants=False,
    source=None,
    thrift_string_size_limit=None,
    thrift_container_size_limit=None,
    schema_depth_limit=None,
):
    return {
        "thrift_string_size_limit": _limit("thrift_string_size_limit", thrift_string_size_limit),
        "thrift_container_size_limit": _limit("thrift_container_size_limit", thrift_container_size_limit),
        "schema_depth_limit": _limit("schema_depth_limit", schema_depth_limit),
        **_encryption_options(decryption_properties, source),
        "binary_type": None if binary_type is None else _binary_type(binary_type),
        "list_type": None if list_type is None else _list_type(list_type),
        "arrow_extensions_enabled": None if arrow_extensions_enabled else False,
        "unshred_variants": True if unshred_variants else None,
        "read_dictionary": ",".join(read_dictionary) if read_dictionary else None,
        "coerce_int96_timestamp_unit": coerce_int96_timestamp_unit,
        "page_checksum_verification": None if page_checksum_verification is None else bool(page_checksum_verification),
    }


def _limit(name, value):
    if value is not None and value <= 0:
        raise ValueError(f"{name} must be larger than zero, not {value}")
    return value


def _binary_type(value):
    name = str(value)
    if name not in ("binary", "large_binary", "binary_view", "string", "large_string", "string_view"):
        raise ValueError(f"binary_type must be binary, large_binary or binary_view, not {value!r}")
    return name


def _list_type(value):
    kinds = {
        "ListType": "list", "LargeListType": "large_list", "ListViewType": "list_view",
        "LargeListViewType": "large_list_view",
    }
    name = kinds.get(getattr(value, "__name__", None))
    if name is None:
        raise ValueError(f"list_type must be ListType, LargeListType or a class of list views, not {value!r}")
    return name


def _check_columns(columns):
    if columns is None:
        return None
    if isinstance(columns, str) or not hasattr(columns, "__iter__"):
        raise TypeError(f"columns must be a list of names, not {columns!r}")
    columns = list(columns)
    for name in columns:
        if not isinstance(name, str):
            raise TypeError(f"columns must be a list of names, but holds {name!r}")
    return columns


class SortingColumn(namedtuple("SortingColumn", ["column_index", "descending", "nulls_first"])):
    """A column that the rows of a file are sorted by; positions count leaf columns."""

    __slots__ = ()

    def __new__(cls, column_index, descending=False, nulls_first=False):
        return super().__new__(cls, column_index, descending, nulls_first)

    @classmethod
    def from_ordering(cls, schema, sort_keys, null_placement="at_end"):
        """Sorting columns for `sort_keys`: names, or (name, 'ascending' or 'descending') pairs."""
        if null_placement not in ("at_start", "at_end"):
            raise ValueError(f"null_placement must be 'at_start' or 'at_end', not {null_placement!r}")
        leaves = _leaf_paths(schema)
        made = []
        for key in sort_keys:
            name, order = (key, "ascending") if isinstance(key, str) else key
            if name not in leaves:
                raise ValueError(f"Sort key name '{name}' not found in schema:\n{schema}")
            made.append(cls(leaves.index(name), order == "descending", null_placement == "at_start"))
        return tuple(made)

    @staticmethod
    def to_ordering(schema, sorting_columns):
        """(name, 'ascending' or 'descending') pairs and the place of nulls, as sorting takes them."""
        leaves = _leaf_paths(schema)
        placements = {column.nulls_first for column in sorting_columns}
        if len(placements) > 1:
            raise ValueError("Sorting columns have inconsistent null placement")
        keys = tuple((leaves[c.column_index], "descending" if c.descending else "ascending") for c in sorting_columns)
        return keys, "at_start" if True in placements else "at_end"

    def to_dict(self):
        return self._asdict()
