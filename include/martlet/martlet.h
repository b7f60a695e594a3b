/* Martlet: Apache Arrow and Parquet with a C ABI.
 *
 * Law of this header
 *  - A function that can fail returns `martlet_status`; 0 is success. Its last parameter is a `martlet_error *` that the
 *    caller owns and that may be NULL. On failure outputs are left as they were and nothing needs to be freed.
 *  - Handles (`martlet_xyz *`) are opaque and counted: each one that is handed out is released once, by
 *    `martlet_xyz_release`, which ignores NULL. Handles are immutable unless said otherwise and may then be used from any
 *    thread at once; writers, readers, sinks and streams are used by one thread at a time.
 *  - Bulk data crosses as Arrow C Data and C Stream structures, zero copy in both directions. Importing moves the
 *    structure: its `release` becomes NULL, also when the import fails.
 *  - Strings are UTF-8 and end with NUL. Input strings and arrays of the caller are read during the call only.
 *  - Options are key-value pairs in text; an unknown key is an error that names it. Each function lists its keys;
 *    booleans are "true" and "false". `options` may be NULL when `option_count` is 0.
 *  - No callback is called with a lock held; progress and file callbacks run on the calling thread only.
 */
#ifndef MARTLET_MARTLET_H
#define MARTLET_MARTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arrow_abi.h"

#define MARTLET_VERSION_MAJOR 0
#define MARTLET_VERSION_MINOR 1
#define MARTLET_VERSION_PATCH 0

#if defined(__GNUC__) || defined(__clang__)
#define MARTLET_CHECKED __attribute__((warn_unused_result))
#else
#define MARTLET_CHECKED
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- status, errors, options, progress ------------------------------------------------------------------------- */

/* 0, or one of Apache Arrow's status codes. The numbers are frozen. */
typedef int32_t martlet_status;
#define MARTLET_OK 0
#define MARTLET_OUT_OF_MEMORY 1
#define MARTLET_KEY_ERROR 2
#define MARTLET_TYPE_ERROR 3
#define MARTLET_INVALID 4
#define MARTLET_IO_ERROR 5
#define MARTLET_CAPACITY_ERROR 6
#define MARTLET_INDEX_ERROR 7
#define MARTLET_CANCELLED 8
#define MARTLET_UNKNOWN_ERROR 9
#define MARTLET_NOT_IMPLEMENTED 10
#define MARTLET_SERIALIZATION_ERROR 11
#define MARTLET_ALREADY_EXISTS 45

typedef struct martlet_error {
  int32_t code;         /* a martlet_status */
  int32_t system_error; /* errno where the operating system was the cause, EBADMSG for damaged bytes, else 0 */
  char message[4088];   /* UTF-8, cut to fit, always ends with NUL */
} martlet_error;

typedef struct martlet_option {
  const char *key;
  const char *value;
} martlet_option;

/* Called now and then during long work, on the calling thread. `done` and `total` count rows unless said otherwise; total
 * is -1 when it is not known. A return other than 0 cancels: the call ends with MARTLET_CANCELLED. */
typedef struct martlet_progress {
  int32_t (*callback)(void *context, int64_t done, int64_t total);
  void *context;
} martlet_progress;

/* "0.1.0"; static. */
const char *martlet_version(void);

/* Threads that one operation uses, the caller included. Setting clamps to 1 ... 1024. */
int32_t martlet_thread_count(void);
void martlet_set_thread_count(int32_t count);

/* Bytes that Martlet's buffers hold now, and at most so far; then gives recycled memory back to the system. */
int64_t martlet_memory_live(void);
int64_t martlet_memory_peak(void);
void martlet_memory_release_unused(void);

/* ---- buffers: immutable bytes ---------------------------------------------------------------------------------- */

typedef struct martlet_buffer martlet_buffer;

/* A view of foreign memory; `release(context)` is called once, on any thread, when the last user is gone. */
MARTLET_CHECKED martlet_status martlet_buffer_wrap(const void *address, int64_t size, void (*release)(void *context),
                                                   void *context, martlet_buffer **out, martlet_error *error);
/* A copy of `size` bytes; with NULL `address`, zeros. */
MARTLET_CHECKED martlet_status martlet_buffer_copy(const void *address, int64_t size, martlet_buffer **out,
                                                   martlet_error *error);
MARTLET_CHECKED martlet_status martlet_buffer_slice(const martlet_buffer *buffer, int64_t offset, int64_t size,
                                                    martlet_buffer **out, martlet_error *error);
const void *martlet_buffer_address(const martlet_buffer *buffer); /* never NULL for a buffer */
int64_t martlet_buffer_size(const martlet_buffer *buffer);
void martlet_buffer_release(martlet_buffer *buffer);

/* ---- schemas: a field, or as a struct the schema of batches ----------------------------------------------------- */

typedef struct martlet_schema martlet_schema;

/* Takes over `schema` (validated: format, children, depth at most 64). */
MARTLET_CHECKED martlet_status martlet_schema_import(struct ArrowSchema *schema, martlet_schema **out,
                                                     martlet_error *error);
MARTLET_CHECKED martlet_status martlet_schema_export(const martlet_schema *schema, struct ArrowSchema *out,
                                                     martlet_error *error);
bool martlet_schema_equals(const martlet_schema *a, const martlet_schema *b, bool check_metadata);
/* pyarrow's text for the type: "list<item: int64>". */
MARTLET_CHECKED martlet_status martlet_schema_type_name(const martlet_schema *schema, martlet_buffer **out,
                                                        martlet_error *error);
/* The schema as an encapsulated IPC message, and back. */
MARTLET_CHECKED martlet_status martlet_schema_serialize(const martlet_schema *schema, martlet_buffer **out,
                                                        martlet_error *error);
MARTLET_CHECKED martlet_status martlet_schema_deserialize(const martlet_buffer *message, martlet_schema **out,
                                                          martlet_error *error);
void martlet_schema_release(martlet_schema *schema);

/* ---- arrays; a struct array without nulls is a record batch ----------------------------------------------------- */

typedef struct martlet_array martlet_array;

/* Takes over `array`, whose type is `schema` (borrowed). Buffers are used where they lie; those that are not aligned for
 * their type are copied. Lengths, offsets' ends, children and dictionary are checked. */
MARTLET_CHECKED martlet_status martlet_array_import(struct ArrowArray *array, const martlet_schema *schema,
                                                    martlet_array **out, martlet_error *error);
/* `out_schema` may be NULL. The structures keep the array's memory alive until they are released. */
MARTLET_CHECKED martlet_status martlet_array_export(const martlet_array *array, struct ArrowArray *out_array,
                                                    struct ArrowSchema *out_schema, martlet_error *error);
/* The same for the C Device interface. Arrays are handed out as those of the CPU, and taken from the CPU only: for another
 * device, or an event to wait for, the structure is released and MARTLET_NOT_IMPLEMENTED returned. */
MARTLET_CHECKED martlet_status martlet_array_import_device(struct ArrowDeviceArray *array, const martlet_schema *schema,
                                                           martlet_array **out, martlet_error *error);
MARTLET_CHECKED martlet_status martlet_array_export_device(const martlet_array *array,
                                                           struct ArrowDeviceArray *out_array,
                                                           struct ArrowSchema *out_schema, martlet_error *error);
/* An array from its parts, all borrowed. `buffers` are those of the Arrow columnar format for the type, validity first
 * (NULL entries for absent ones); null_count -1 means not known. A struct from columns needs {NULL} as buffers. */
MARTLET_CHECKED martlet_status martlet_array_make(const martlet_schema *schema, int64_t length, int64_t null_count,
                                                  int64_t offset, const martlet_buffer *const *buffers,
                                                  int64_t buffer_count, const martlet_array *const *children,
                                                  int64_t child_count, const martlet_array *dictionary,
                                                  martlet_array **out, martlet_error *error);
MARTLET_CHECKED martlet_status martlet_array_nulls(const martlet_schema *schema, int64_t length, martlet_array **out,
                                                   martlet_error *error);
int64_t martlet_array_length(const martlet_array *array);
int64_t martlet_array_offset(const martlet_array *array);
int64_t martlet_array_null_count(const martlet_array *array);
int64_t martlet_array_nbytes(const martlet_array *array);
/* The array's field: its type, and for batches names, nullability and metadata. */
MARTLET_CHECKED martlet_status martlet_array_schema(const martlet_array *array, martlet_schema **out,
                                                    martlet_error *error);
/* Buffers as in `martlet_array_make`; *out is NULL for an absent one. */
int64_t martlet_array_buffer_count(const martlet_array *array);
MARTLET_CHECKED martlet_status martlet_array_buffer(const martlet_array *array, int64_t index, martlet_buffer **out,
                                                    martlet_error *error);
/* Address and size in bytes of a buffer without a handle; address NULL for an absent one. */
MARTLET_CHECKED martlet_status martlet_array_buffer_address(const martlet_array *array, int64_t index,
                                                            const void **address, int64_t *size, martlet_error *error);
/* Children of structs and fixed-size lists are cut to the parent's slots; a list's child comes whole. */
int64_t martlet_array_child_count(const martlet_array *array);
MARTLET_CHECKED martlet_status martlet_array_child(const martlet_array *array, int64_t index, martlet_array **out,
                                                   martlet_error *error);
/* NULL in *out when the array has no dictionary. */
MARTLET_CHECKED martlet_status martlet_array_dictionary(const martlet_array *array, martlet_array **out,
                                                        martlet_error *error);
MARTLET_CHECKED martlet_status martlet_array_slice(const martlet_array *array, int64_t offset, int64_t length,
                                                   martlet_array **out, martlet_error *error);
MARTLET_CHECKED martlet_status martlet_array_concatenate(const martlet_array *const *arrays, int64_t count,
                                                         martlet_array **out, martlet_error *error);
bool martlet_array_equals(const martlet_array *a, const martlet_array *b);
/* Checks the structure; with `full` also every offset, dictionary index, UTF-8 string and decimal: O(n). */
MARTLET_CHECKED martlet_status martlet_array_validate(const martlet_array *array, bool full, martlet_error *error);
/* pyarrow's text of an array: the first and last `window` values, indented, each cut after `element_limit` bytes. */
MARTLET_CHECKED martlet_status martlet_array_to_string(const martlet_array *array, int32_t window, int32_t indent,
                                                       int32_t element_limit, martlet_buffer **out,
                                                       martlet_error *error);
/* The same memory under another schema of the same layout: renames fields, changes nullability or metadata. */
MARTLET_CHECKED martlet_status martlet_array_with_schema(const martlet_array *array, const martlet_schema *schema,
                                                         martlet_array **out, martlet_error *error);
void martlet_array_retain(martlet_array *array);
void martlet_array_release(martlet_array *array);
/* Releases `count` arrays; NULL among them is nothing. */
void martlet_arrays_release(martlet_array *const *arrays, int64_t count);

/* ---- streams of record batches ---------------------------------------------------------------------------------- */

typedef struct martlet_stream martlet_stream;

/* Takes over `stream`. */
MARTLET_CHECKED martlet_status martlet_stream_import(struct ArrowArrayStream *stream, martlet_stream **out,
                                                     martlet_error *error);
/* The C stream reads from the same position; do not use `stream` directly until the C stream is released. */
MARTLET_CHECKED martlet_status martlet_stream_export(martlet_stream *stream, struct ArrowArrayStream *out,
                                                     martlet_error *error);
/* The same for the C Device interface, with arrays of the CPU. */
MARTLET_CHECKED martlet_status martlet_stream_import_device(struct ArrowDeviceArrayStream *stream, martlet_stream **out,
                                                            martlet_error *error);
MARTLET_CHECKED martlet_status martlet_stream_export_device(martlet_stream *stream, struct ArrowDeviceArrayStream *out,
                                                            martlet_error *error);
/* A stream over batches (borrowed, then shared) in memory. */
MARTLET_CHECKED martlet_status martlet_stream_from_batches(const martlet_schema *schema,
                                                           const martlet_array *const *batches, int64_t count,
                                                           martlet_stream **out, martlet_error *error);
MARTLET_CHECKED martlet_status martlet_stream_schema(const martlet_stream *stream, martlet_schema **out,
                                                     martlet_error *error);
/* The next batch as a struct array; NULL in *out at the end. */
MARTLET_CHECKED martlet_status martlet_stream_next(martlet_stream *stream, martlet_array **out, martlet_error *error);
/* The next batches, at most `capacity`, which `out` has room for: how many there were goes to `count`, fewer only at the end,
 * and their rows together to `rows`. When one cannot be read, none is handed out. */
MARTLET_CHECKED martlet_status martlet_stream_read(martlet_stream *stream, int64_t capacity, martlet_array **out,
                                                   int64_t *count, int64_t *rows, martlet_error *error);
void martlet_stream_release(martlet_stream *stream);

/* ---- sources and sinks of bytes --------------------------------------------------------------------------------- */

typedef struct martlet_source martlet_source;
typedef struct martlet_sink martlet_sink;

/* Reads up to `size` bytes at `position` into `out`; returns how many (less only at the end), or -1 for failure. A stream
 * (`seekable` false) is asked for rising positions without gaps. `size` of a stream is -1. */
typedef struct martlet_source_callbacks {
  int64_t (*read)(void *context, int64_t position, void *out, int64_t size);
  void (*release)(void *context);
  void *context;
  int64_t size;
  bool seekable;
} martlet_source_callbacks;

/* Each returns 0, or an errno for failure. `flush` and `close` are called once, when the sink is closed, and may be NULL. */
typedef struct martlet_sink_callbacks {
  int32_t (*write)(void *context, const void *bytes, int64_t size);
  int32_t (*flush)(void *context);
  int32_t (*close)(void *context);
  void (*release)(void *context);
  void *context;
} martlet_sink_callbacks;

/* Keys: memory_map. */
MARTLET_CHECKED martlet_status martlet_source_open(const char *path, const martlet_option *options, int64_t option_count,
                                                   martlet_source **out, martlet_error *error);
MARTLET_CHECKED martlet_status martlet_source_from_buffer(const martlet_buffer *buffer, martlet_source **out,
                                                          martlet_error *error);
/* The bytes of several buffers one after the other, read as a stream; zero copy but where a part lies in two. */
MARTLET_CHECKED martlet_status martlet_source_from_buffers(const martlet_buffer *const *buffers, int64_t buffer_count,
                                                           martlet_source **out, martlet_error *error);
/* A descriptor read as a stream: a pipe, a socket, standard input. Not closed by Martlet. */
MARTLET_CHECKED martlet_status martlet_source_from_descriptor(int32_t descriptor, martlet_source **out,
                                                              martlet_error *error);
MARTLET_CHECKED martlet_status martlet_source_from_callbacks(const martlet_source_callbacks *callbacks,
                                                             martlet_source **out, martlet_error *error);
/* -1 for streams. */
int64_t martlet_source_size(const martlet_source *source);
/* The same source, read as a stream from byte `position` on; a source without random access goes on where it stands. */
MARTLET_CHECKED martlet_status martlet_source_at(const martlet_source *source, int64_t position, martlet_source **out,
                                                 martlet_error *error);
/* Where reading it as a stream has come to. */
int64_t martlet_source_position(const martlet_source *source);
/* Up to `size` bytes at `position` (of a stream: the next ones, whatever `position`); zero copy from memory and maps. */
MARTLET_CHECKED martlet_status martlet_source_read(martlet_source *source, int64_t position, int64_t size,
                                                   martlet_buffer **out, martlet_error *error);
void martlet_source_release(martlet_source *source);

/* Keys: atomic (default true: a temporary file in the same directory becomes `path` on close; false: the file is truncated
 * and written in place), durable (default true: fsync before that; false: a killed process still leaves the old file or the
 * new one, a loss of power may leave an empty one), append (in place, at the end). */
MARTLET_CHECKED martlet_status martlet_sink_create(const char *path, const martlet_option *options, int64_t option_count,
                                                   martlet_sink **out, martlet_error *error);
MARTLET_CHECKED martlet_status martlet_sink_to_memory(martlet_sink **out, martlet_error *error);
/* Not closed by Martlet. */
MARTLET_CHECKED martlet_status martlet_sink_to_descriptor(int32_t descriptor, martlet_sink **out, martlet_error *error);
MARTLET_CHECKED martlet_status martlet_sink_to_callbacks(const martlet_sink_callbacks *callbacks, martlet_sink **out,
                                                         martlet_error *error);
MARTLET_CHECKED martlet_status martlet_sink_write(martlet_sink *sink, const void *bytes, int64_t size,
                                                  martlet_error *error);
int64_t martlet_sink_position(const martlet_sink *sink);
MARTLET_CHECKED martlet_status martlet_sink_flush(martlet_sink *sink, martlet_error *error);
/* Commits; more than once is fine. */
MARTLET_CHECKED martlet_status martlet_sink_close(martlet_sink *sink, martlet_error *error);
/* Drops what was written, where that is possible. */
void martlet_sink_abort(martlet_sink *sink);
/* The bytes of a memory sink, once. */
MARTLET_CHECKED martlet_status martlet_sink_take(martlet_sink *sink, martlet_buffer **out, martlet_error *error);
/* An open sink is aborted. */
void martlet_sink_release(martlet_sink *sink);

/* ---- Arrow IPC --------------------------------------------------------------------------------------------------- */

typedef struct martlet_ipc_writer martlet_ipc_writer;
typedef struct martlet_ipc_file martlet_ipc_file;

typedef struct martlet_ipc_statistics {
  int64_t messages;
  int64_t record_batches;
  int64_t dictionary_batches;
  int64_t dictionary_deltas;
  int64_t replaced_dictionaries;
} martlet_ipc_statistics;

/* Custom metadata of messages and footers is the metadata of a schema, whose fields do not count.
 *
 * Writes to `sink`, which it shares and does not close. Keys: format ("stream" or "file"), compression ("lz4", "zstd"),
 * compression_level, alignment (8 or 64), use_threads, allow_64bit, emit_dictionary_deltas, metadata_version ("V4", "V5"),
 * use_legacy_format. `footer_metadata` holds the custom metadata of a file's footer; may be NULL. */
MARTLET_CHECKED martlet_status martlet_ipc_writer_open(martlet_sink *sink, const martlet_schema *schema,
                                                       const martlet_option *options, int64_t option_count,
                                                       const martlet_schema *footer_metadata, martlet_ipc_writer **out,
                                                       martlet_error *error);
/* `metadata`: custom metadata of the message; may be NULL. */
MARTLET_CHECKED martlet_status martlet_ipc_writer_write(martlet_ipc_writer *writer, const martlet_array *batch,
                                                        const martlet_schema *metadata, martlet_error *error);
/* Writes what is left of a stream of batches, each in parts of at most `max_rows` rows (0: whole). */
MARTLET_CHECKED martlet_status martlet_ipc_writer_write_stream(martlet_ipc_writer *writer, martlet_stream *stream,
                                                               int64_t max_rows, martlet_error *error);
void martlet_ipc_writer_statistics(const martlet_ipc_writer *writer, martlet_ipc_statistics *out);
/* Writes the end-of-stream marker, and a file's footer. The sink stays open. */
MARTLET_CHECKED martlet_status martlet_ipc_writer_close(martlet_ipc_writer *writer, martlet_error *error);
void martlet_ipc_writer_release(martlet_ipc_writer *writer);

/* Reads the schema, then batch by batch as they are asked for. Keys: use_threads, included_fields ("0,2"),
 * ensure_native_endian, alignment. With `schema` (may be NULL) the source begins after the schema message. */
MARTLET_CHECKED martlet_status martlet_ipc_stream_open(martlet_source *source, const martlet_schema *schema,
                                                       const martlet_option *options, int64_t option_count,
                                                       martlet_stream **out, martlet_error *error);
/* Of a stream that martlet_ipc_stream_open made: the custom metadata of the batch that was read last, NULL for none. */
MARTLET_CHECKED martlet_status martlet_ipc_stream_batch_metadata(const martlet_stream *stream, martlet_schema **out,
                                                                 martlet_error *error);
MARTLET_CHECKED martlet_status martlet_ipc_stream_statistics(const martlet_stream *stream, martlet_ipc_statistics *out,
                                                             martlet_error *error);
/* Every batch that is whole of a file or a stream that is not. Keys as above. */
MARTLET_CHECKED martlet_status martlet_ipc_recover(martlet_source *source, const martlet_option *options,
                                                   int64_t option_count, martlet_stream **out, martlet_error *error);
/* What was lost up to here, one line for each part: position, bytes and reason, with a tab between them. */
MARTLET_CHECKED martlet_status martlet_ipc_recover_losses(const martlet_stream *stream, martlet_buffer **out,
                                                          martlet_error *error);
/* Random access; keys as above. Batches of memory and maps are slices of it: no body byte is touched. */
MARTLET_CHECKED martlet_status martlet_ipc_file_open(martlet_source *source, const martlet_option *options,
                                                     int64_t option_count, martlet_ipc_file **out, martlet_error *error);
MARTLET_CHECKED martlet_status martlet_ipc_file_schema(const martlet_ipc_file *file, martlet_schema **out,
                                                       martlet_error *error);
int64_t martlet_ipc_file_batch_count(const martlet_ipc_file *file);
MARTLET_CHECKED martlet_status martlet_ipc_file_batch(martlet_ipc_file *file, int64_t index, martlet_array **out,
                                                      martlet_error *error);
/* All batches, as many as martlet_ipc_file_batch_count says, and their rows together. Those of compressed files are decoded
 * side by side. When one cannot be read, none is handed out. */
MARTLET_CHECKED martlet_status martlet_ipc_file_read(martlet_ipc_file *file, martlet_array **out, int64_t *rows,
                                                     martlet_error *error);
/* Batch `index` and the custom metadata of its message, NULL for none. */
MARTLET_CHECKED martlet_status martlet_ipc_file_batch_with_metadata(martlet_ipc_file *file, int64_t index,
                                                                    martlet_array **out, martlet_schema **metadata,
                                                                    martlet_error *error);
MARTLET_CHECKED martlet_status martlet_ipc_file_row_count(const martlet_ipc_file *file, int64_t *out, martlet_error *error);
void martlet_ipc_file_statistics(const martlet_ipc_file *file, martlet_ipc_statistics *out);
/* The footer's custom metadata as the metadata of a schema without fields. */
MARTLET_CHECKED martlet_status martlet_ipc_file_metadata(const martlet_ipc_file *file, martlet_schema **out,
                                                         martlet_error *error);
void martlet_ipc_file_release(martlet_ipc_file *file);

/* One message that nobody has looked into. type: the number of Message.fbs MessageHeader; version: of MetadataVersion.
 * Both buffers are the caller's; both are NULL at the end of the source. */
typedef struct martlet_ipc_message {
  martlet_buffer *metadata;
  martlet_buffer *body;
  int32_t type;
  int32_t version;
} martlet_ipc_message;

MARTLET_CHECKED martlet_status martlet_ipc_message_read(martlet_source *source, martlet_ipc_message *out,
                                                        martlet_error *error);
/* The message of a batch alone, without schema and dictionaries, and its size. Keys: those of martlet_ipc_writer_open
 * that concern messages. */
MARTLET_CHECKED martlet_status martlet_ipc_batch_serialize(const martlet_array *batch, const martlet_option *options,
                                                           int64_t option_count, martlet_buffer **out,
                                                           martlet_error *error);
MARTLET_CHECKED martlet_status martlet_ipc_batch_size(const martlet_array *batch, int64_t *out, martlet_error *error);

/* Tensors are messages whose body holds their buffers. A schema describes them: its first fields have the types of values,
 * indices and pointers (indptr), the others the names of the dimensions, and its metadata the numbers, with commas between
 * them: kind ("dense", "coo", "csr", "csc", "csf"), shape, strides (of "dense" and "coo"), axis_order ("csf"), canonical
 * ("coo"), values (how many there are), and ranges, which gives start and size of each buffer in the body: pointers,
 * indices, values. Numbers are held against each other, but indices are not looked at. */
MARTLET_CHECKED martlet_status martlet_ipc_tensor_describe(const martlet_buffer *metadata, martlet_schema **out,
                                                           martlet_error *error);
/* The message of a described tensor up to its body. */
MARTLET_CHECKED martlet_status martlet_ipc_tensor_message(const martlet_schema *description, martlet_buffer **out,
                                                          martlet_error *error);

/* ---- compression ------------------------------------------------------------------------------------------------- */

/* Codecs: "snappy", "gzip", "brotli", "zstd", "lz4", "lz4_raw". `level` NULL takes the codec's own. */
MARTLET_CHECKED martlet_status martlet_codec_compress(const char *codec, const int64_t *level, const martlet_buffer *bytes,
                                                      martlet_buffer **out, martlet_error *error);
/* `size`: the bytes that come out of it. */
MARTLET_CHECKED martlet_status martlet_codec_decompress(const char *codec, const martlet_buffer *bytes, int64_t size,
                                                        martlet_buffer **out, martlet_error *error);
/* Three numbers: the lowest, the highest and the usual level; an error for codecs without levels. */
MARTLET_CHECKED martlet_status martlet_codec_levels(const char *codec, int64_t *levels, martlet_error *error);

/* ---- Parquet ------------------------------------------------------------------------------------------------------ */

typedef struct martlet_parquet_writer martlet_parquet_writer;
typedef struct martlet_parquet_file martlet_parquet_file;
typedef struct martlet_expression martlet_expression;

/* Shares `sink`; the writer's close commits it. Small batches are gathered into row groups. Keys; those marked * also per
 * column as "key:column.path": compression* ("none", "snappy", "gzip", "brotli", "zstd", "lz4"), compression_level*,
 * use_dictionary*, column_encoding*, write_statistics*, use_byte_stream_split*, version ("1.0", "2.4", "2.6"),
 * data_page_version ("1.0", "2.0"), data_page_size, max_rows_per_page, dictionary_pagesize_limit, row_group_size (rows),
 * row_group_bytes, write_page_index, write_page_checksum, store_schema, coerce_timestamps ("ms", "us"),
 * allow_truncated_timestamps, use_deprecated_int96_timestamps, store_decimal_as_integer,
 * write_time_adjusted_to_utc, sorting_columns ("name:ascending:nulls_first,..."), use_threads,
 * created_by, ieee754_total_order, recoverable (a footer behind each row group), use_compliant_nested_type,
 * use_content_defined_chunking, min_chunk_size, max_chunk_size, norm_level. Bloom filters per column: bloom_filter:path (bool),
 * bloom_filter_ndv:path (distinct values of a row group; otherwise as many as it has values), bloom_filter_fpp:path (0.05).
 * Encryption, bytes as hexadecimal text: encryption_footer_key (16, 24 or 32 bytes), encryption_footer_key_metadata,
 * encryption_column_key:path and encryption_column_key_metadata:path (none: the footer's key is for all columns; else other
 * columns stay in the clear), encryption_algorithm ("AES_GCM_V1", "AES_GCM_CTR_V1"), encryption_plaintext_footer,
 * encryption_aad_prefix, encryption_store_aad_prefix (default true). */
MARTLET_CHECKED martlet_status martlet_parquet_writer_open(martlet_sink *sink, const martlet_schema *schema,
                                                           const martlet_option *options, int64_t option_count,
                                                           martlet_parquet_writer **out, martlet_error *error);
/* Writes row groups behind those of the file at `path`, whose columns must be stored as those of `schema` (NULL: the file's)
 * are. The file stays as it is until close; then it has all of the new rows or, after a crash, those that
 * martlet_parquet_recover leaves: none or all. Keys: as above; those of an encrypted file must be the file's. */
MARTLET_CHECKED martlet_status martlet_parquet_writer_append(const char *path, const martlet_schema *schema,
                                                             const martlet_option *options, int64_t option_count,
                                                             martlet_parquet_writer **out, martlet_error *error);
/* Makes a file readable whose writer died: completes an append, or ends the file behind its last whole footer; files that
 * are written with "recoverable" have one behind each row group. `out` (may be NULL) receives its metadata, or NULL where the
 * footer is encrypted; no keys are needed. */
MARTLET_CHECKED martlet_status martlet_parquet_recover(const char *path, martlet_parquet_file **out, martlet_error *error);
MARTLET_CHECKED martlet_status martlet_parquet_writer_write(martlet_parquet_writer *writer, const martlet_array *batch,
                                                            const martlet_progress *progress, martlet_error *error);
/* Ends the row group that is being gathered. */
MARTLET_CHECKED martlet_status martlet_parquet_writer_flush(martlet_parquet_writer *writer, martlet_error *error);
MARTLET_CHECKED martlet_status martlet_parquet_writer_add_metadata(martlet_parquet_writer *writer, const char *key,
                                                                   const char *value, martlet_error *error);
/* Writes the footer and commits the sink. `out` (may be NULL) receives the file's metadata as a file without data. */
MARTLET_CHECKED martlet_status martlet_parquet_writer_close(martlet_parquet_writer *writer, martlet_parquet_file **out,
                                                            martlet_error *error);
void martlet_parquet_writer_abort(martlet_parquet_writer *writer);
/* An open writer is aborted: the old file stays. */
void martlet_parquet_writer_release(martlet_parquet_writer *writer);

/* Reads the footer. Keys: page_checksum_verification (default true), read_dictionary ("a,b"), coerce_int96_timestamp_unit,
 * decryption_footer_key, decryption_column_key:path, decryption_aad_prefix (bytes as hexadecimal text), decryption_key:note (a
 * key by what files note of it, both hexadecimal: for many files with keys of their own), decryption_check_footer
 * (default true: the signature of a footer in the clear must be right), decryption_allow_plaintext (default true: files that
 * are not encrypted are read too),
 * arrow_schema (default true: restore what ARROW:schema says), arrow_extensions_enabled (default true: UUID, JSON and VARIANT
 * as extension types), unshred_variants (default false: put shredded variants together), thrift_string_size_limit,
 * thrift_container_size_limit and schema_depth_limit (of the footer: the longest string and list, and how many levels the
 * schema has, root and leaves included); and for files without ARROW:schema
 * binary_type ("binary", "large_binary", "binary_view") and list_type ("list", "large_list", "list_view", "large_list_view"). */
MARTLET_CHECKED martlet_status martlet_parquet_file_open(martlet_source *source, const martlet_option *options,
                                                         int64_t option_count, martlet_parquet_file **out,
                                                         martlet_error *error);
/* What the writer of an encrypted file noted of its keys, as lines of hexadecimal bytes, a space and the column's dotted path;
 * nothing behind the space: the footer's key. Where the footer is encrypted, those of columns only with decryption_footer_key. */
MARTLET_CHECKED martlet_status martlet_parquet_key_metadata(martlet_source *source, const martlet_option *options,
                                                            int64_t option_count, martlet_buffer **out,
                                                            martlet_error *error);
/* Seals `input` with AES-GCM (12 random bytes, text, tag of 16 bytes), or opens what was sealed; for keys that wrap keys. */
MARTLET_CHECKED martlet_status martlet_aes_gcm(const uint8_t *key, int64_t key_byte_count, const uint8_t *input,
                                               int64_t input_byte_count, const uint8_t *aad, int64_t aad_byte_count,
                                               bool seals, martlet_buffer **out, martlet_error *error);
MARTLET_CHECKED martlet_status martlet_parquet_file_schema(const martlet_parquet_file *file, martlet_schema **out,
                                                           martlet_error *error);

typedef struct martlet_parquet_file_info {
  int64_t row_count;
  int64_t row_group_count;
  int64_t column_count;      /* leaf columns */
  int64_t serialized_size;   /* bytes of the footer */
  const char *created_by;    /* lives as long as the file */
  const char *version;       /* "1.0" or "2.6" */
} martlet_parquet_file_info;

typedef struct martlet_parquet_row_group_info {
  int64_t row_count;
  int64_t column_count;
  int64_t total_byte_size;   /* uncompressed */
  int64_t total_compressed_size;
  const char *sorting_columns; /* "leaf index:ascending:nulls_first,..."; lives as long as the file */
} martlet_parquet_row_group_info;

/* Texts live as long as the file. Numbers that the file does not give are -1. */
typedef struct martlet_parquet_column_info {
  const char *path;          /* "a.list.element" */
  const char *physical_type; /* "INT64" */
  const char *logical_type;  /* pyarrow's text of it, "None" for none */
  const char *converted_type;
  const char *compression;   /* "ZSTD" */
  const char *encodings;     /* "PLAIN,RLE" */
  const char *file_path;     /* of the file that has the chunk; "": this one */
  int64_t max_definition_level;
  int64_t max_repetition_level;
  int64_t type_length;
  int64_t value_count;
  int64_t file_offset;
  int64_t dictionary_page_offset;
  int64_t data_page_offset;
  int64_t index_page_offset;
  int64_t total_compressed_size;
  int64_t total_uncompressed_size;
  int64_t null_count;
  int64_t distinct_count;
  int64_t nan_count;
  bool has_statistics;
  bool has_min_max;
  bool is_min_exact;
  bool is_max_exact;
  bool has_column_index;
  bool has_offset_index;
  int64_t bloom_filter_offset;
  int64_t bloom_filter_length;
  bool has_geospatial_statistics;
  const char *geospatial_types; /* codes of ISO WKB, "1,1003"; "" where they are not known */
  double xmin, xmax, ymin, ymax, zmin, zmax, mmin, mmax; /* NaN where there are none; xmin > xmax: over the antimeridian */
} martlet_parquet_column_info;

void martlet_parquet_file_info_get(const martlet_parquet_file *file, martlet_parquet_file_info *out);
/* The file's own key-value metadata (also ARROW:schema) as the metadata of a schema without fields. */
MARTLET_CHECKED martlet_status martlet_parquet_file_metadata(const martlet_parquet_file *file, martlet_schema **out,
                                                             martlet_error *error);
MARTLET_CHECKED martlet_status martlet_parquet_row_group_info_get(const martlet_parquet_file *file, int64_t row_group,
                                                                  martlet_parquet_row_group_info *out,
                                                                  martlet_error *error);
/* With `row_group` -1 only what the file's schema tells of the leaf column. */
MARTLET_CHECKED martlet_status martlet_parquet_column_info_get(const martlet_parquet_file *file, int64_t row_group,
                                                               int64_t column, martlet_parquet_column_info *out,
                                                               martlet_error *error);
/* An array of two: minimum and maximum, in the column's Arrow type; NULL in *out when the file has none to trust. */
MARTLET_CHECKED martlet_status martlet_parquet_column_min_max(const martlet_parquet_file *file, int64_t row_group,
                                                              int64_t column, martlet_array **out, martlet_error *error);
/* As the metadata of a schema without fields: the bounds' bytes as the file has them under "min" and "max", and the column
 * chunk's own key-value metadata under "key:" and the key. */
MARTLET_CHECKED martlet_status martlet_parquet_column_stored(const martlet_parquet_file *file, int64_t row_group,
                                                             int64_t column, martlet_schema **out, martlet_error *error);
/* What the page index of a column chunk, or else its page headers, tell of its pages: a struct array of first_row (in the row
 * group), row_count and, where that is known, null_count, min and max (in the column's Arrow type). NULL in *out where nothing is
 * told. Reads from the file. */
MARTLET_CHECKED martlet_status martlet_parquet_column_pages(const martlet_parquet_file *file, int64_t row_group, int64_t column,
                                                            martlet_array **out, martlet_error *error);
/* False when the chunk's Bloom filter says that `value` (an array of length 1 of the column's Arrow type) is not there; true
 * when it may be, and where there is no filter. Reads from the file. */
MARTLET_CHECKED martlet_status martlet_parquet_bloom_filter_may_contain(const martlet_parquet_file *file, int64_t row_group,
                                                                        int64_t column, const martlet_array *value, bool *out,
                                                                        martlet_error *error);
/* The text of the Parquet schema, as parquet tools print it. */
MARTLET_CHECKED martlet_status martlet_parquet_file_schema_text(const martlet_parquet_file *file, martlet_buffer **out,
                                                                martlet_error *error);
/* A stream of the chosen columns (names or dotted paths; NULL: all) and row groups (NULL: all), filtered by `filter`
 * (NULL: everything). Pages and row groups that cannot match are neither read nor decoded. Keys: batch_size (rows; 0: as
 * large as they can be, one batch where offsets allow), use_threads, row_ranges ("10:20,500:600": rows of the file from the
 * first number to before the second, in order; not beside row_groups), ignore_missing_columns (true: columns that the file
 * does not have are left out, the others come in the order of the file). The file is shared. */
MARTLET_CHECKED martlet_status martlet_parquet_file_scan(martlet_parquet_file *file, const char *const *columns,
                                                         int64_t column_count, const int32_t *row_groups,
                                                         int64_t row_group_count, const martlet_expression *filter,
                                                         const martlet_option *options, int64_t option_count,
                                                         const martlet_progress *progress, martlet_stream **out,
                                                         martlet_error *error);
/* Metadata of both files' row groups, whose columns must be the same. */
MARTLET_CHECKED martlet_status martlet_parquet_metadata_concatenate(const martlet_parquet_file *first,
                                                                    const martlet_parquet_file *second,
                                                                    martlet_parquet_file **out, martlet_error *error);
/* Metadata in which all column chunks lie in the file at `path`. */
MARTLET_CHECKED martlet_status martlet_parquet_metadata_with_path(const martlet_parquet_file *file, const char *path,
                                                                  martlet_parquet_file **out, martlet_error *error);
/* Writes a file that is all footer, such as a dataset's _metadata, and commits the sink. */
MARTLET_CHECKED martlet_status martlet_parquet_metadata_write(const martlet_parquet_file *file, martlet_sink *sink,
                                                              martlet_error *error);
void martlet_parquet_file_release(martlet_parquet_file *file);

/* ---- compute ------------------------------------------------------------------------------------------------------ */

/* Calls the function `name` (pyarrow's names: "add", "cast", "filter", "min_max", ...). Bit i of `scalars` says that
 * argument i is a scalar: an array of length 1 that goes with every row. A scalar result is an array of length 1 and
 * *out_is_scalar true. `type` is the target of casts; NULL otherwise. Option keys are those of pyarrow's options. */
MARTLET_CHECKED martlet_status martlet_compute_call(const char *name, const martlet_array *const *arguments,
                                                    int64_t argument_count, uint64_t scalars, const martlet_schema *type,
                                                    const martlet_option *options, int64_t option_count,
                                                    martlet_array **out, bool *out_is_scalar, martlet_error *error);
/* The aggregate `name` ("sum", "mean", "min", "count", ...) of the chunks of one column, which have one type and are read
 * where they lie: an array of length 1. */
MARTLET_CHECKED martlet_status martlet_compute_aggregate(const char *name, const martlet_array *const *chunks,
                                                         int64_t chunk_count, const martlet_option *options,
                                                         int64_t option_count, martlet_array **out,
                                                         martlet_error *error);
/* The names of all functions, one a line. */
MARTLET_CHECKED martlet_status martlet_compute_functions(martlet_buffer **out, martlet_error *error);
/* Groups the rows of `keys` (a struct array) and aggregates the columns of `values`: aggregation i is `functions[i]`
 * ("sum", "mean", "count", "min", "max", ...) of column i. A struct array: the keys' columns, then the aggregates. */
MARTLET_CHECKED martlet_status martlet_compute_group(const martlet_array *keys, const martlet_array *values,
                                                     const char *const *functions, int64_t function_count,
                                                     const martlet_option *options, int64_t option_count,
                                                     martlet_array **out, martlet_error *error);

/* Expressions over the fields of a batch; arguments are borrowed and shared. */
MARTLET_CHECKED martlet_status martlet_expression_field(const char *const *path, int64_t path_length,
                                                        martlet_expression **out, martlet_error *error);
/* The same by names and positions: step i is names[i], or positions[i] where that name is NULL. */
MARTLET_CHECKED martlet_status martlet_expression_reference(const char *const *names, const int64_t *positions,
                                                            int64_t length, martlet_expression **out,
                                                            martlet_error *error);
MARTLET_CHECKED martlet_status martlet_expression_literal(const martlet_array *scalar, martlet_expression **out,
                                                          martlet_error *error);
/* `value_set` is the set of "is_in" and `type` the target of "cast"; NULL otherwise. */
MARTLET_CHECKED martlet_status martlet_expression_call(const char *name, const martlet_expression *const *arguments,
                                                       int64_t argument_count, const martlet_array *value_set,
                                                       const martlet_schema *type, const martlet_option *options,
                                                       int64_t option_count, martlet_expression **out,
                                                       martlet_error *error);
MARTLET_CHECKED martlet_status martlet_expression_evaluate(const martlet_expression *expression,
                                                           const martlet_array *batch, martlet_array **out,
                                                           martlet_error *error);
MARTLET_CHECKED martlet_status martlet_expression_to_string(const martlet_expression *expression, martlet_buffer **out,
                                                            martlet_error *error);
void martlet_expression_release(martlet_expression *expression);

/* ---- datasets ----------------------------------------------------------------------------------------------------- */

typedef struct martlet_dataset martlet_dataset;

/* A dataset of Parquet files: a file, a directory tree, or a list of files. `schema` (NULL: found out) is what batches
 * will have. Keys: partitioning ("hive", "none"), ignore_prefixes, format ("parquet", "ipc"), and those of
 * martlet_parquet_file_open. */
MARTLET_CHECKED martlet_status martlet_dataset_open(const char *const *paths, int64_t path_count,
                                                    const martlet_schema *schema, const martlet_option *options,
                                                    int64_t option_count, martlet_dataset **out, martlet_error *error);
MARTLET_CHECKED martlet_status martlet_dataset_schema(const martlet_dataset *dataset, martlet_schema **out,
                                                      martlet_error *error);
/* The paths of the files that can match `filter` (NULL: all), as an array of strings. */
MARTLET_CHECKED martlet_status martlet_dataset_files(const martlet_dataset *dataset, const martlet_expression *filter,
                                                     martlet_array **out, martlet_error *error);
/* As martlet_parquet_file_scan, over files that can match only. */
MARTLET_CHECKED martlet_status martlet_dataset_scan(const martlet_dataset *dataset, const char *const *columns,
                                                    int64_t column_count, const martlet_expression *filter,
                                                    const martlet_option *options, int64_t option_count,
                                                    const martlet_progress *progress, martlet_stream **out,
                                                    martlet_error *error);
void martlet_dataset_release(martlet_dataset *dataset);

/* Writes all batches of `stream` below `root`, one directory per key. Files appear together at the end, or not at all.
 * Keys: basename_template ("part-{i}.parquet"), existing_data_behavior ("overwrite_or_ignore", "error", "delete_matching"),
 * partitioning_flavor ("hive"), max_partitions, max_rows_per_file, format, and those of martlet_parquet_writer_open.
 * `out` (may be NULL) receives the paths of the files written, as an array of strings. */
MARTLET_CHECKED martlet_status martlet_dataset_write(martlet_stream *stream, const char *root,
                                                     const char *const *partition_columns, int64_t partition_column_count,
                                                     const martlet_option *options, int64_t option_count,
                                                     const martlet_progress *progress, martlet_array **out,
                                                     martlet_error *error);

/* ---- CPython: load these through ctypes.PyDLL, with the GIL held ---------------------------------------------------- */

/* `object`s are PyObject *. Nothing links against libpython: the functions of CPython's stable ABI are looked up in the
 * running process, so the library stays usable from C. */

/* The items of a list, tuple or other iterable as an array of `schema`'s type, or of the type that they suggest when
 * `schema` is NULL. `mask` (may be NULL): an iterable of truths that makes items null. Keys: from_pandas (NaN is null),
 * safe. No Python exception is left behind: it is told in `error`. */
MARTLET_CHECKED martlet_status martlet_python_array_from_sequence(void *object, void *mask, const martlet_schema *schema,
                                                                  const martlet_option *options, int64_t option_count,
                                                                  martlet_array **out, martlet_error *error);
/* A new list of the array's values, as pyarrow's `to_pylist` makes them. Keys: maps_as_pydicts. */
MARTLET_CHECKED martlet_status martlet_python_array_to_list(const martlet_array *array, const martlet_option *options,
                                                            int64_t option_count, void **out_object, martlet_error *error);
/* A NumPy array of Python objects for strings, binaries and the like is filled from here: `target` points at `length`
 * PyObject * slots that hold new references or NULL; nulls become `null_object`. */
MARTLET_CHECKED martlet_status martlet_python_fill_objects(const martlet_array *array, void **target, void *null_object,
                                                           martlet_error *error);
/* `length` PyObject * slots (a NumPy object array's data, `stride` bytes apart) as an array. */
MARTLET_CHECKED martlet_status martlet_python_array_from_objects(void *const *objects, int64_t stride, int64_t length,
                                                                 void *mask, const martlet_schema *schema,
                                                                 const martlet_option *options, int64_t option_count,
                                                                 martlet_array **out, martlet_error *error);
/* NumPy fixed-width Unicode (`item_size` bytes of UCS4 each, `stride` bytes apart) as strings of `schema`'s type. */
MARTLET_CHECKED martlet_status martlet_python_array_from_unicode(const void *items, int64_t stride, int64_t item_size,
                                                                 int64_t length, const martlet_schema *schema,
                                                                 martlet_array **out, martlet_error *error);
/* Memory that `owner` keeps alive, as a buffer that holds a reference to it. When the last user is gone, on whatever thread,
 * the reference is parked and dropped by the next call of a martlet_python function; none is dropped at exit. */
MARTLET_CHECKED martlet_status martlet_python_buffer(void *owner, const void *address, int64_t size, martlet_buffer **out,
                                                     martlet_error *error);
/* Drops the parked references now. */
void martlet_python_drain(void);
/* New capsules for the Arrow PyCapsule interface, with native destructors: "arrow_schema"; the tuple of "arrow_schema" and
 * "arrow_array" (or "arrow_device_array"); "arrow_array_stream" (or "arrow_device_array_stream"). */
MARTLET_CHECKED martlet_status martlet_python_schema_capsule(const martlet_schema *schema, void **out,
                                                             martlet_error *error);
MARTLET_CHECKED martlet_status martlet_python_array_capsules(const martlet_array *array, bool is_device, void **out,
                                                             martlet_error *error);
MARTLET_CHECKED martlet_status martlet_python_stream_capsule(martlet_stream *stream, bool is_device, void **out,
                                                             martlet_error *error);
/* A new dict of types and functions that Python calls itself, without a foreign function interface: the base classes of the
 * package's arrays, batches and scalars, and what is done once for each of many small ones. */
MARTLET_CHECKED martlet_status martlet_python_native(void **out, martlet_error *error);

#ifdef __cplusplus
}
#endif

#endif /* MARTLET_MARTLET_H */
