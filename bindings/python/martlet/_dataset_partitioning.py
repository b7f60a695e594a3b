"""How the names of directories and files give the values of columns."""

from urllib.parse import quote, unquote

from ._errors import ArrowInvalid
from ._field import field as _field
from ._schema import Schema, schema as _as_schema

_NULL = "__HIVE_DEFAULT_PARTITION__"


def _plain(type):
    return type.value_type if hasattr(type, "index_type") else type


def _scalar_of(text, type):
    from ._builders import array
    return array([text], "string").cast(_plain(type))[0]


def _text_of(value):
    """The text of a key in a name."""
    if hasattr(value, "as_py"):
        from ._builders import array
        if value.as_py() is None:
            return None
        plain = array([value.as_py()], _plain(value.type))
        return plain.cast("string")[0].as_py()
    return None if value is None else str(value)


class Partitioning:
    """How names give keys, whose types are those of `schema`."""

    _flavor = "none"
    _encoding = "uri"

    def __init__(self, schema, dictionaries=None):
        if schema is not None and not isinstance(schema, Schema):
            schema = _as_schema(schema)
        self.schema = schema
        if isinstance(dictionaries, dict):
            dictionaries = [dictionaries.get(name) for name in schema.names]
        self._dictionaries = dictionaries

    @property
    def dictionaries(self):
        """The values that each key can have, where they were given: a list with None for keys of any value."""
        return self._dictionaries if self._dictionaries is not None else [None for _ in self.schema or []]

    def _decoded(self, text):
        return unquote(text) if self._encoding == "uri" else text

    def parse(self, path):
        """The Expression that is true for the rows of a file at `path`."""
        from ._expression import Expression
        from ._dataset_expressions import all_of
        terms = []
        for name, text in self._texts(path).items():
            if self.schema is None or self.schema.get_field_index(name) < 0:
                continue
            column = Expression._field((name,))
            try:
                terms.append(
                    column.is_null() if text is None else column == _scalar_of(text, self.schema.field(name).type))
            except ValueError as problem:
                raise ArrowInvalid(f"the key '{name}' in the path '{path}': {problem}") from None
        return all_of(terms) if terms else Expression._scalar(True)

    def _sorted_texts(self, expression):
        """(name, text) of the keys that an expression fixes, in the order of the schema."""
        from ._dataset_expressions import fixed
        found = fixed(expression)
        for name in self.schema.names:
            if name in found:
                yield name, _text_of(found[name])

    def __eq__(self, other):
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = object.__hash__

    def __repr__(self):
        return f"<{type(self).__name__} {', '.join(self.schema.names) if self.schema is not None else ''}>"


class _Positional(Partitioning):
    """Keys by their place: directories or parts of a file's name, without the names of the columns."""

    def __init__(self, schema, dictionaries=None, segment_encoding="uri"):
        _check_encoding(segment_encoding)
        super().__init__(schema, dictionaries)
        self._encoding = segment_encoding

    def _texts(self, path, names=None):
        names = self.schema.names if names is None else names
        return {name: self._decoded(text) if text != _NULL else None for name, text in zip(names, self._segments(path))}

    def format(self, expr):
        """The directory and the beginning of the file's name for rows of which an expression is true."""
        found = dict(self._sorted_texts(expr))
        segments, missing = [], None
        for name in self.schema.names:
            if found.get(name) is None:
                missing = missing or name
            elif missing is not None:
                raise ArrowInvalid(f"No partition key for {missing} but a key was provided subsequently for {name}.")
            else:
                segments.append(self._safe(found[name]))
        return self._joined(segments)

    @classmethod
    def discover(cls, field_names=None, infer_dictionary=False, max_partition_dictionary_size=0, schema=None,
                 segment_encoding="uri"):
        """A factory that finds the types of the keys in the names."""
        if field_names is None and schema is None:
            raise ValueError("Neither field_names nor schema was passed; cannot infer field_names")
        _check_size(max_partition_dictionary_size)
        infer_dictionary = infer_dictionary or max_partition_dictionary_size == -1
        names = list(field_names) if field_names is not None else schema.names
        return PartitioningFactory(cls, names, infer_dictionary, schema, {"segment_encoding": segment_encoding})


class DirectoryPartitioning(_Positional):
    """Directories whose names are values alone: `2024/01/file`."""

    _flavor = "directory"

    @staticmethod
    def _segments(path):
        return [part for part in path.split("/")[:-1] if part]

    def _safe(self, text):
        return _shown(text) if self._encoding == "uri" else text

    @staticmethod
    def _joined(segments):
        return "/".join(segments), ""


class FilenamePartitioning(_Positional):
    """Names of files that begin with values: `2024_01_file`."""

    _flavor = "filename"

    @staticmethod
    def _segments(path):
        return path.rsplit("/", 1)[-1].split("_")[:-1]

    def _safe(self, text):
        return _shown(text).replace("_", "%5F") if self._encoding == "uri" else text

    @staticmethod
    def _joined(segments):
        return "", "".join(segment + "_" for segment in segments)


# What may stand in a name as it is: all that is neither a separator nor the sign of encoded bytes.
_SAFE = "".join(chr(code) for code in range(32, 127) if chr(code) not in "%/")


def _shown(text):
    """A value as a name that readers do not pass over: one that begins with '.' or '_' would be hidden to them."""
    if not text:
        raise ArrowInvalid("an empty string cannot be the name of a directory: use flavor='hive', or write null")
    name = quote(text, safe=_SAFE)
    return {".": "%2E", "_": "%5F"}[name[0]] + name[1:] if name[0] in "._" else name


class HivePartitioning(Partitioning):
    """Directories named `key=value`."""

    _flavor = "hive"

    def __init__(self, schema=None, dictionaries=None, null_fallback=_NULL, segment_encoding="uri"):
        _check_encoding(segment_encoding)
        super().__init__(schema, dictionaries)
        self.null_fallback = _NULL if null_fallback is None else null_fallback
        self._encoding = segment_encoding

    def _texts(self, path, names=None):
        found = {}
        for part in path.split("/")[:-1]:
            name, sign, text = part.partition("=")
            if sign:
                text = self._decoded(text)
                found[self._decoded(name)] = None if text == self.null_fallback else text
        return found

    def format(self, expr):
        """The directory and the beginning of the file's name for rows of which an expression is true."""
        def encoded(text):
            return quote(text, safe="") if self._encoding == "uri" else text
        parts = (
            f"{encoded(name)}={self.null_fallback if text is None else encoded(text)}"
            for name, text in self._sorted_texts(expr))
        return "/".join(parts), ""

    @property
    def _is_engines(self):
        return self.null_fallback == _NULL and self._encoding == "uri"

    @staticmethod
    def discover(infer_dictionary=False, max_partition_dictionary_size=0, null_fallback=_NULL, schema=None,
                 segment_encoding="uri"):
        """A factory that finds keys and their types in the names of directories."""
        if isinstance(infer_dictionary, (list, tuple, str)):
            infer_dictionary = bool(infer_dictionary)
        _check_size(max_partition_dictionary_size)
        infer_dictionary = infer_dictionary or max_partition_dictionary_size == -1
        options = {"null_fallback": null_fallback, "segment_encoding": segment_encoding}
        return PartitioningFactory(HivePartitioning, None, infer_dictionary, schema, options)


class PartitioningFactory:
    """Makes a Partitioning once the paths are known; integers of 32 bits become int32, all else strings."""

    def __init__(self, kind, names, infer_dictionary, schema, options):
        self._kind = kind
        self._names = names
        self._infers_dictionary = bool(infer_dictionary)
        self._schema = schema
        self._options = options

    @property
    def type_name(self):
        return self._kind._flavor

    def _made(self, paths):
        """The Partitioning for files at these paths, from the root of the dataset."""
        reader = self._kind(_as_schema([]), **self._options)
        texts = {name: [] for name in self._names or ()}
        for path in paths:
            for name, text in reader._texts(path, self._names).items():
                texts.setdefault(name, []).append(text)
        fields, dictionaries = [], []
        for name, found in texts.items():
            known = [text for text in found if text is not None]
            if self._schema is not None and self._schema.get_field_index(name) >= 0:
                fields.append(self._schema.field(name))
                dictionaries.append(self._values(name, known, fields[-1].type))
                continue
            if not known:
                raise ArrowInvalid(f"No non-null segments were available for field '{name}'; couldn't infer type")
            fields.append(_field(name, self._key_type(known)))
            dictionaries.append(self._key_values(known, fields[-1].type))
        return self._kind(_as_schema(fields), dictionaries=dictionaries, **self._options)

    def _values(self, name, texts, type):
        from ._builders import array
        try:
            values = array(list(dict.fromkeys(texts)), "string").cast(_plain(type))
        except ValueError as problem:
            raise ArrowInvalid(
                f"Could not cast segments for partition field {name} to requested type {type} because: {problem}") from None
        return values if hasattr(type, "index_type") else None

    def _key_type(self, texts):
        from ._types import dictionary, int32, string
        type = int32() if all(map(_is_int32, texts)) else string()
        return dictionary(int32(), type) if self._infers_dictionary else type

    def _key_values(self, texts, type):
        if not self._infers_dictionary:
            return None
        from ._builders import array
        return array(list(dict.fromkeys(texts)), "string").cast(_plain(type))

    @property
    def _is_engines(self):
        return self._kind is HivePartitioning and self._schema is None and HivePartitioning(**self._options)._is_engines

    def __repr__(self):
        return f"<PartitioningFactory of {self._kind.__name__}>"


def values_of_keys(keys, paths, roots):
    """The values of each key in the names of hive's directories, as arrays of its type."""
    from ._builders import array
    found = {name: {} for name in keys.names}
    for path in paths:
        root = next((one for one in roots if path.startswith(one)), "")
        for name, text in HivePartitioning()._texts(path[len(root):]).items():
            if name in found and text is not None:
                found[name][text] = True
    return [array(list(texts), "string").cast(_plain(keys.field(name).type)) for name, texts in found.items()]


def _is_int32(text):
    digits = text[1:] if text[:1] == "-" else text
    return digits.isascii() and digits.isdigit() and -(1 << 31) <= int(text) < 1 << 31


def _check_encoding(value):
    if value not in ("uri", "none"):
        raise ValueError(f"Unknown segment encoding: {value}; expected 'uri' or 'none'")


def _check_size(value):
    if value not in (0, -1, None):
        raise NotImplementedError("max_partition_dictionary_size must be 0, -1, or None")


def partitioning(schema=None, field_names=None, flavor=None, dictionaries=None):
    """A partitioning by directories (`flavor=None`), `'filename'` or `'hive'`: with the schema of the keys, or a factory that
    finds their types; `dictionaries='infer'` makes dictionaries of them."""
    if schema is not None and not isinstance(schema, Schema):
        if not hasattr(schema, "__arrow_c_schema__"):
            raise ValueError(f"Expected Schema for 'schema', got {type(schema)}")
        schema = _as_schema(schema)
    if flavor == "hive":
        if field_names is not None:
            raise ValueError("Cannot specify 'field_names' for flavor 'hive'")
        if schema is None:
            return HivePartitioning.discover(infer_dictionary=dictionaries == "infer")
        if isinstance(dictionaries, str) and dictionaries == "infer":
            return HivePartitioning.discover(infer_dictionary=True, schema=schema)
        return HivePartitioning(schema, dictionaries)
    if flavor not in (None, "filename"):
        raise ValueError("Unsupported flavor")
    kind = DirectoryPartitioning if flavor is None else FilenamePartitioning
    if schema is not None:
        if field_names is not None:
            raise ValueError("Cannot specify both 'schema' and 'field_names'")
        if isinstance(dictionaries, str) and dictionaries == "infer":
            return kind.discover(schema=schema, infer_dictionary=True)
        return kind(schema, dictionaries)
    if field_names is None:
        raise ValueError("For the default directory flavor, need to specify a Schema or a list of field names"
                         if flavor is None else "For the filename flavor, need to specify a Schema or a list of field names")
    if not isinstance(field_names, list):
        raise ValueError(f"Expected list of field names, got {type(field_names)}")
    return kind.discover(field_names)


def ensure_partitioning(value):
    """What users give as `partitioning=` when they read: None, a Partitioning or a factory."""
    if value is None or isinstance(value, (Partitioning, PartitioningFactory)):
        return value
    if isinstance(value, str):
        return partitioning(flavor=value)
    if isinstance(value, (list, tuple)):
        return partitioning(field_names=list(value))
    if isinstance(value, Schema) or hasattr(value, "__arrow_c_schema__"):
        return partitioning(schema=value)
    raise ValueError(f"Expected Partitioning or PartitioningFactory, got {type(value)}")
