/* The whole of Parquet from C: every option of the writer, Bloom filters, encryption, appending, recovery, metadata with
 * statistics and indexes, filters and projections. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <martlet/martlet.h>

enum { ROWS = 2000, COLUMNS = 6 };

static martlet_error error;
static int failures = 0;

#define CHECK(call)                                                                            \
  do {                                                                                         \
    if ((call) != MARTLET_OK) {                                                                \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, error.message);            \
      exit(1);                                                                                 \
    }                                                                                          \
  } while (0)

#define EXPECT(condition)                                                      \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);  \
      failures += 1;                                                           \
    }                                                                          \
  } while (0)

#define COUNT(array) ((int64_t)(sizeof(array) / sizeof *(array)))

/* ---- a batch: id (int64), price (float64, a null in every tenth row), name (utf8), time (us), flag (bool), money ---- */

static void keep_schema(struct ArrowSchema *schema) { schema->release = NULL; }
static void keep_array(struct ArrowArray *array) { array->release = NULL; }

static int64_t ids[ROWS], times[ROWS], money[2 * ROWS];
static double prices[ROWS];
static uint8_t is_there[(ROWS + 7) / 8], flags[(ROWS + 7) / 8];
static int32_t offsets[ROWS + 1];
static char text[ROWS * 8];

static martlet_schema *make_schema(void) {
  static const char *const formats[COLUMNS] = {"l", "g", "u", "tsu:", "b", "d:18,2"};
  static const char *const names[COLUMNS] = {"id", "price", "name", "time", "flag", "money"};
  static struct ArrowSchema root, fields[COLUMNS], *children[COLUMNS];
  memset(&root, 0, sizeof root);
  memset(fields, 0, sizeof fields);
  for (int i = 0; i < COLUMNS; i++) {
    fields[i].format = formats[i];
    fields[i].name = names[i];
    fields[i].flags = ARROW_FLAG_NULLABLE;
    fields[i].release = keep_schema;
    children[i] = &fields[i];
  }
  root.format = "+s";
  root.name = "";
  root.n_children = COLUMNS;
  root.children = children;
  root.release = keep_schema;
  martlet_schema *schema = NULL;
  CHECK(martlet_schema_import(&root, &schema, &error));
  return schema;
}

static martlet_array *make_batch(const martlet_schema *schema, int64_t first) {
  static struct ArrowArray root, columns[COLUMNS], *children[COLUMNS];
  static const void *none[1], *buffers[COLUMNS][3];
  memset(is_there, 0, sizeof is_there);
  memset(flags, 0, sizeof flags);
  for (int64_t i = 0; i < ROWS; i++) {
    const int64_t row = first + i;
    ids[i] = row;
    times[i] = row * 1000000;
    prices[i] = (double)(row % 97) / 4;
    money[2 * i] = row;
    money[2 * i + 1] = 0;
    if (row % 10 != 0) is_there[i / 8] |= (uint8_t)(1u << (i % 8));
    if (row / 500 % 2 == 0) flags[i / 8] |= (uint8_t)(1u << (i % 8));
    offsets[i + 1] = offsets[i] + snprintf(text + offsets[i], 8, "n%" PRId64, row % 300);
  }
  const void *const values[COLUMNS] = {ids, prices, offsets, times, flags, money};
  memset(&root, 0, sizeof root);
  memset(columns, 0, sizeof columns);
  memset(buffers, 0, sizeof buffers);
  for (int i = 0; i < COLUMNS; i++) {
    buffers[i][1] = values[i];
    columns[i].length = ROWS;
    columns[i].n_buffers = 2;
    columns[i].buffers = buffers[i];
    columns[i].release = keep_array;
    children[i] = &columns[i];
  }
  buffers[1][0] = is_there;
  columns[1].null_count = -1;
  buffers[2][2] = text;
  columns[2].n_buffers = 3;
  root.length = ROWS;
  root.n_buffers = 1;
  root.buffers = none;
  root.n_children = COLUMNS;
  root.children = children;
  root.release = keep_array;
  martlet_array *batch = NULL;
  CHECK(martlet_array_import(&root, schema, &batch, &error));
  return batch;
}

/* ---- writing and reading ---- */

static void write_rows(martlet_parquet_writer *writer, const martlet_schema *schema, int64_t batches) {
  for (int64_t i = 0; i < batches; i++) {
    martlet_array *batch = make_batch(schema, i * ROWS);
    CHECK(martlet_parquet_writer_write(writer, batch, NULL, &error));
    /* The batch borrows this program's memory, which the next one changes. */
    CHECK(martlet_parquet_writer_flush(writer, &error));
    martlet_array_release(batch);
  }
}

static void write_file(const char *path, const martlet_option *options, int64_t count, int64_t batches) {
  martlet_schema *schema = make_schema();
  martlet_sink *sink = NULL;
  martlet_parquet_writer *writer = NULL;
  CHECK(martlet_sink_create(path, NULL, 0, &sink, &error));
  CHECK(martlet_parquet_writer_open(sink, schema, options, count, &writer, &error));
  write_rows(writer, schema, batches);
  CHECK(martlet_parquet_writer_add_metadata(writer, "made by", "parquet.c", &error));
  martlet_parquet_file *metadata = NULL;
  CHECK(martlet_parquet_writer_close(writer, &metadata, &error));
  martlet_parquet_file_info info;
  martlet_parquet_file_info_get(metadata, &info);
  EXPECT(info.row_count == batches * ROWS);
  martlet_parquet_file_release(metadata);
  martlet_parquet_writer_release(writer);
  martlet_sink_release(sink);
  martlet_schema_release(schema);
}

static martlet_parquet_file *open_file(const char *path, const martlet_option *options, int64_t count) {
  martlet_source *source = NULL;
  martlet_parquet_file *file = NULL;
  CHECK(martlet_source_open(path, NULL, 0, &source, &error));
  CHECK(martlet_parquet_file_open(source, options, count, &file, &error));
  martlet_source_release(source);
  return file;
}

typedef struct totals {
  int64_t rows, columns, id_sum;
} totals;

static totals scan(martlet_parquet_file *file, const char *const *columns, int64_t column_count, const int32_t *groups,
                   int64_t group_count, const martlet_expression *filter) {
  const martlet_option options[] = {{"batch_size", "700"}, {"use_threads", "false"}};
  martlet_stream *stream = NULL;
  totals found = {0, 0, 0};
  CHECK(martlet_parquet_file_scan(file, columns, column_count, groups, group_count, filter, options, COUNT(options), NULL,
                                  &stream, &error));
  for (;;) {
    martlet_array *batch = NULL;
    CHECK(martlet_stream_next(stream, &batch, &error));
    if (batch == NULL) break;
    struct ArrowArray array;
    CHECK(martlet_array_export(batch, &array, NULL, &error));
    martlet_array_release(batch);
    const int64_t *id = (const int64_t *)array.children[0]->buffers[1] + array.children[0]->offset;
    for (int64_t i = 0; i < array.length; i++) found.id_sum += id[i];
    found.rows += array.length;
    found.columns = array.n_children;
    array.release(&array);
  }
  martlet_stream_release(stream);
  return found;
}

static int64_t sum_below(int64_t rows) { return rows * (rows - 1) / 2; }

static void expect_all(const char *path, const martlet_option *options, int64_t count, int64_t rows) {
  martlet_parquet_file *file = open_file(path, options, count);
  const totals found = scan(file, NULL, 0, NULL, 0, NULL);
  EXPECT(found.rows == rows && found.columns == COLUMNS && found.id_sum == sum_below(rows));
  martlet_parquet_file_release(file);
}

static martlet_array *one(int64_t number) {
  static int64_t value;
  static const void *buffers[2];
  static struct ArrowArray array;
  static struct ArrowSchema schema;
  value = number;
  memset(&array, 0, sizeof array);
  memset(&schema, 0, sizeof schema);
  schema.format = "l";
  schema.name = "";
  schema.release = keep_schema;
  buffers[1] = &value;
  array.length = 1;
  array.n_buffers = 2;
  array.buffers = buffers;
  array.release = keep_array;
  martlet_schema *type = NULL;
  martlet_array *borrowed = NULL, *out = NULL;
  bool is_scalar = false;
  CHECK(martlet_schema_import(&schema, &type, &error));
  CHECK(martlet_array_import(&array, type, &borrowed, &error));
  /* A copy of its own: this program's value changes. */
  const martlet_array *const arguments[] = {borrowed, borrowed};
  CHECK(martlet_compute_call("bit_wise_and", arguments, 2, 0, NULL, NULL, 0, &out, &is_scalar, &error));
  martlet_array_release(borrowed);
  martlet_schema_release(type);
  return out;
}

/* ---- the tests ---- */

static void options(const char *path) {
  static const martlet_option all[][3] = {
      {{"compression", "none"}},
      {{"compression", "snappy"}},
      {{"compression", "gzip"}, {"compression_level", "3"}},
      {{"compression", "brotli"}, {"compression_level:name", "2"}},
      {{"compression", "zstd"}, {"compression:id", "lz4"}},
      {{"compression", "lz4"}},
      {{"use_dictionary", "false"}, {"use_dictionary:name", "true"}},
      {{"use_dictionary", "false"}, {"column_encoding:id", "DELTA_BINARY_PACKED"}, {"column_encoding:name", "DELTA_BYTE_ARRAY"}},
      {{"use_dictionary", "false"}, {"column_encoding", "PLAIN"}},
      {{"use_dictionary", "false"}, {"column_encoding:flag", "RLE"}, {"column_encoding:price", "ALP"}},
      {{"use_dictionary", "false"}, {"use_byte_stream_split", "true"}},
      {{"write_statistics", "false"}, {"write_statistics:id", "true"}},
      {{"version", "1.0"}},
      {{"version", "2.4"}},
      {{"version", "2.6"}},
      {{"data_page_version", "2.0"}, {"data_page_size", "1000"}},
      {{"max_rows_per_page", "100"}, {"dictionary_pagesize_limit", "500"}},
      {{"row_group_size", "333"}},
      {{"row_group_bytes", "10000"}},
      {{"write_page_index", "false"}, {"write_page_checksum", "false"}, {"store_schema", "false"}},
      {{"coerce_timestamps", "ms"}, {"allow_truncated_timestamps", "true"}},
      {{"use_deprecated_int96_timestamps", "true"}},
      {{"store_decimal_as_integer", "true"}, {"write_time_adjusted_to_utc", "true"}},
      {{"sorting_columns", "id:ascending:nulls_first,name:descending:nulls_last"}},
      {{"use_threads", "false"}, {"created_by", "a test"}},
      {{"ieee754_total_order", "true"}, {"use_compliant_nested_type", "false"}},
      {{"recoverable", "true"}},
      {{"use_content_defined_chunking", "true"}, {"min_chunk_size", "1000"}, {"max_chunk_size", "4000"}},
      {{"use_content_defined_chunking", "true"}, {"norm_level", "1"}},
      {{"bloom_filter:id", "true"}, {"bloom_filter_ndv:id", "2000"}, {"bloom_filter_fpp:id", "0.01"}},
  };
  for (int64_t i = 0; i < COUNT(all); i++) {
    int64_t count = 0;
    while (count < 3 && all[i][count].key != NULL) count += 1;
    write_file(path, all[i], count, 2);
    expect_all(path, NULL, 0, 2 * ROWS);
  }
  /* What is not an option, and what is not a value of one, is refused. */
  static const martlet_option wrong[] = {{"no_such_option", "1"}, {"compression", "zip"}, {"version", "3"},
                                         {"row_group_size", "0"}, {"use_threads", "maybe"}, {"sorting_columns", "zz:ascending:x"},
                                         {"bloom_filter_fpp:id", "2"}, {"column_encoding:id", "RLE"}};
  for (int64_t i = 0; i < COUNT(wrong); i++) {
    martlet_schema *schema = make_schema();
    martlet_sink *sink = NULL;
    martlet_parquet_writer *writer = NULL;
    CHECK(martlet_sink_to_memory(&sink, &error));
    EXPECT(martlet_parquet_writer_open(sink, schema, &wrong[i], 1, &writer, &error) != MARTLET_OK && writer == NULL);
    martlet_sink_release(sink);
    martlet_schema_release(schema);
  }
}

static void metadata(const char *path) {
  static const martlet_option given[] = {{"max_rows_per_page", "500"}, {"bloom_filter:id", "true"}, {"compression", "zstd"},
                                         {"sorting_columns", "id:ascending:nulls_first"}, {"created_by", "a test"}};
  write_file(path, given, COUNT(given), 2);
  martlet_parquet_file *file = open_file(path, NULL, 0);
  martlet_parquet_file_info info;
  martlet_parquet_file_info_get(file, &info);
  EXPECT(info.row_count == 2 * ROWS && info.row_group_count == 2 && info.column_count == COLUMNS);
  EXPECT(strcmp(info.created_by, "a test") == 0 && strcmp(info.version, "2.6") == 0 && info.serialized_size > 0);
  martlet_parquet_row_group_info group;
  CHECK(martlet_parquet_row_group_info_get(file, 1, &group, &error));
  EXPECT(group.row_count == ROWS && strcmp(group.sorting_columns, "0:ascending:nulls_first") == 0);
  martlet_parquet_column_info column;
  CHECK(martlet_parquet_column_info_get(file, 1, 1, &column, &error));
  EXPECT(strcmp(column.path, "price") == 0 && strcmp(column.physical_type, "DOUBLE") == 0);
  EXPECT(strcmp(column.compression, "ZSTD") == 0 && column.null_count == ROWS / 10 && column.value_count == ROWS);
  EXPECT(column.has_statistics && column.has_min_max && column.has_column_index && column.has_offset_index);
  CHECK(martlet_parquet_column_info_get(file, 1, 0, &column, &error));
  EXPECT(column.bloom_filter_offset > 0 && column.bloom_filter_length > 0);

  martlet_array *bounds = NULL, *pages = NULL;
  struct ArrowArray array;
  CHECK(martlet_parquet_column_min_max(file, 1, 0, &bounds, &error));
  CHECK(martlet_array_export(bounds, &array, NULL, &error));
  const int64_t *ends = (const int64_t *)array.buffers[1] + array.offset;
  EXPECT(array.length == 2 && ends[0] == ROWS && ends[1] == 2 * ROWS - 1);
  array.release(&array);
  martlet_array_release(bounds);

  CHECK(martlet_parquet_column_pages(file, 1, 0, &pages, &error));
  CHECK(martlet_array_export(pages, &array, NULL, &error));
  EXPECT(array.length == 4 && array.n_children == 5);
  for (int64_t i = 0; i < array.length; i++) {
    int64_t found[5];
    for (int c = 0; c < 5; c++) found[c] = ((const int64_t *)array.children[c]->buffers[1])[array.children[c]->offset + i];
    EXPECT(found[0] == 500 * i && found[1] == 500 && found[2] == 0);
    EXPECT(found[3] == ROWS + 500 * i && found[4] == ROWS + 500 * i + 499);
  }
  array.release(&array);
  martlet_array_release(pages);

  bool may_be = false;
  int64_t false_answers = 0;
  for (int64_t i = 0; i < ROWS; i += 50) {
    martlet_array *in = one(ROWS + i), *outside = one(-1 - i);
    CHECK(martlet_parquet_bloom_filter_may_contain(file, 1, 0, in, &may_be, &error));
    EXPECT(may_be);
    CHECK(martlet_parquet_bloom_filter_may_contain(file, 1, 0, outside, &may_be, &error));
    false_answers += may_be;
    EXPECT(martlet_parquet_bloom_filter_may_contain(file, 1, 2, in, &may_be, &error) != MARTLET_OK);
    martlet_array_release(in);
    martlet_array_release(outside);
  }
  EXPECT(false_answers < 20);
  EXPECT(martlet_parquet_column_pages(file, 2, 0, &pages, &error) != MARTLET_OK);
  EXPECT(martlet_parquet_column_pages(file, 0, COLUMNS, &pages, &error) != MARTLET_OK);

  martlet_buffer *words = NULL;
  CHECK(martlet_parquet_file_schema_text(file, &words, &error));
  EXPECT(martlet_buffer_size(words) > 0);
  martlet_buffer_release(words);
  martlet_schema *schema = NULL, *stored = NULL, *pairs = NULL;
  CHECK(martlet_parquet_file_schema(file, &schema, &error));
  CHECK(martlet_parquet_file_metadata(file, &pairs, &error));
  CHECK(martlet_parquet_column_stored(file, 0, 0, &stored, &error));
  martlet_schema_release(schema);
  martlet_schema_release(stored);
  martlet_schema_release(pairs);

  /* A summary of two files. */
  char summary[4096];
  snprintf(summary, sizeof summary, "%s.summary", path);
  martlet_parquet_file *named = NULL, *both = NULL;
  martlet_sink *sink = NULL;
  CHECK(martlet_parquet_metadata_with_path(file, "part.parquet", &named, &error));
  CHECK(martlet_parquet_metadata_concatenate(named, named, &both, &error));
  CHECK(martlet_sink_create(summary, NULL, 0, &sink, &error));
  CHECK(martlet_parquet_metadata_write(both, sink, &error));
  martlet_sink_release(sink);
  martlet_parquet_file_release(named);
  martlet_parquet_file_release(both);
  both = open_file(summary, NULL, 0);
  martlet_parquet_file_info_get(both, &info);
  EXPECT(info.row_count == 4 * ROWS && info.row_group_count == 4);
  CHECK(martlet_parquet_column_info_get(both, 3, 0, &column, &error));
  EXPECT(strcmp(column.file_path, "part.parquet") == 0);
  martlet_parquet_file_release(both);
  martlet_parquet_file_release(file);
}

static void filters_and_projections(const char *path) {
  static const martlet_option given[] = {{"max_rows_per_page", "100"}};
  write_file(path, given, COUNT(given), 3);
  martlet_parquet_file *file = open_file(path, NULL, 0);
  static const char *const columns[] = {"id", "flag"};
  static const int32_t groups[] = {1};
  totals found = scan(file, columns, 2, groups, 1, NULL);
  EXPECT(found.rows == ROWS && found.columns == 2 && found.id_sum == sum_below(2 * ROWS) - sum_below(ROWS));
  found = scan(file, columns, 2, NULL, 0, NULL);
  EXPECT(found.rows == 3 * ROWS && found.id_sum == sum_below(3 * ROWS));

  static const char *const id[] = {"id"};
  martlet_array *value = one(4500);
  martlet_expression *field = NULL, *literal = NULL, *filter = NULL;
  CHECK(martlet_expression_field(id, 1, &field, &error));
  CHECK(martlet_expression_literal(value, &literal, &error));
  const martlet_expression *const arguments[] = {field, literal};
  CHECK(martlet_expression_call("less", arguments, 2, NULL, NULL, NULL, 0, &filter, &error));
  found = scan(file, columns, 1, NULL, 0, filter);
  EXPECT(found.rows == 4500 && found.columns == 1 && found.id_sum == sum_below(4500));
  martlet_expression_release(filter);
  martlet_expression_release(field);

  static const char *const no_name[] = {NULL};
  static const int64_t first[] = {0};
  CHECK(martlet_expression_reference(no_name, first, 1, &field, &error));
  const martlet_expression *const by_position[] = {field, literal};
  CHECK(martlet_expression_call("less", by_position, 2, NULL, NULL, NULL, 0, &filter, &error));
  found = scan(file, columns, 1, NULL, 0, filter);
  EXPECT(found.rows == 4500 && found.id_sum == sum_below(4500));
  martlet_expression *bad = NULL;
  EXPECT(martlet_expression_reference(no_name, NULL, 1, &bad, &error) != MARTLET_OK);
  martlet_expression_release(filter);
  martlet_expression_release(literal);
  martlet_expression_release(field);
  martlet_array_release(value);

  static const char *const none[] = {"zz"};
  martlet_stream *stream = NULL;
  EXPECT(martlet_parquet_file_scan(file, none, 1, NULL, 0, NULL, NULL, 0, NULL, &stream, &error) != MARTLET_OK);
  martlet_parquet_file_release(file);
}

static void append_to(const char *path, const martlet_option *options, int64_t count, martlet_status expected) {
  martlet_parquet_writer *writer = NULL;
  const martlet_status status = martlet_parquet_writer_append(path, NULL, options, count, &writer, &error);
  EXPECT(status == expected);
  if (status != MARTLET_OK) return;
  martlet_schema *schema = make_schema();
  martlet_array *batch = make_batch(schema, 2 * ROWS);
  CHECK(martlet_parquet_writer_write(writer, batch, NULL, &error));
  CHECK(martlet_parquet_writer_close(writer, NULL, &error));
  martlet_parquet_writer_release(writer);
  martlet_array_release(batch);
  martlet_schema_release(schema);
}

/* Takes the file's last bytes away and recovers what is left; rows, or -1 where the footer is encrypted. */
static int64_t recovered(const char *path, long lost) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) abort();
  const long size = ftell(file) - lost;
  char *bytes = malloc((size_t)size);
  rewind(file);
  if (bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size) abort();
  fclose(file);
  file = fopen(path, "wb");
  if (file == NULL || fwrite(bytes, 1, (size_t)size, file) != (size_t)size || fclose(file) != 0) abort();
  free(bytes);
  martlet_parquet_file *metadata = NULL;
  CHECK(martlet_parquet_recover(path, &metadata, &error));
  if (metadata == NULL) return -1;
  martlet_parquet_file_info info;
  martlet_parquet_file_info_get(metadata, &info);
  martlet_parquet_file_release(metadata);
  return info.row_count;
}

static void append_and_recover(const char *path) {
  static const martlet_option given[] = {{"recoverable", "true"}};
  write_file(path, given, 1, 2);
  append_to(path, NULL, 0, MARTLET_OK);
  expect_all(path, NULL, 0, 3 * ROWS);
  write_file(path, given, 1, 3);
  const int64_t rows = recovered(path, 20000);
  EXPECT(rows > 0 && rows < 3 * ROWS && rows % ROWS == 0);
  expect_all(path, NULL, 0, rows);
}

static void encryption(const char *path) {
#define FOOTER "30313233343536373839303132333435"
#define COLUMN "31323334353637383930313233343530"
  static const martlet_option sealed[] = {{"encryption_footer_key", FOOTER},
                                          {"encryption_footer_key_metadata", "6b66"},
                                          {"encryption_column_key:id", COLUMN},
                                          {"encryption_column_key_metadata:id", "6b63"},
                                          {"encryption_algorithm", "AES_GCM_CTR_V1"},
                                          {"encryption_aad_prefix", "6e616d65"},
                                          {"encryption_store_aad_prefix", "false"},
                                          {"recoverable", "true"}};
  static const martlet_option keys[] = {
      {"decryption_footer_key", FOOTER}, {"decryption_column_key:id", COLUMN}, {"decryption_aad_prefix", "6e616d65"}};
  static const martlet_option noted[] = {
      {"decryption_key:6b66", FOOTER}, {"decryption_key:6b63", COLUMN}, {"decryption_aad_prefix", "6e616d65"}};
  write_file(path, sealed, COUNT(sealed), 2);
  expect_all(path, keys, COUNT(keys), 2 * ROWS);
  expect_all(path, noted, COUNT(noted), 2 * ROWS);
  append_to(path, sealed, COUNT(sealed), MARTLET_OK);
  append_to(path, NULL, 0, MARTLET_IO_ERROR);
  expect_all(path, keys, COUNT(keys), 3 * ROWS);

  martlet_source *source = NULL;
  martlet_parquet_file *file = NULL;
  martlet_buffer *notes = NULL;
  CHECK(martlet_source_open(path, NULL, 0, &source, &error));
  EXPECT(martlet_parquet_file_open(source, NULL, 0, &file, &error) != MARTLET_OK && file == NULL);
  CHECK(martlet_parquet_key_metadata(source, keys, COUNT(keys), &notes, &error));
  EXPECT(martlet_buffer_size(notes) == 14 && memcmp(martlet_buffer_address(notes), "6b66 \n6b63 id\n", 14) == 0);
  martlet_buffer_release(notes);
  martlet_source_release(source);

  write_file(path, sealed, COUNT(sealed), 3);
  EXPECT(recovered(path, 20000) == -1);
  file = open_file(path, keys, COUNT(keys));
  martlet_parquet_file_info info;
  martlet_parquet_file_info_get(file, &info);
  EXPECT(info.row_count > 0 && info.row_count < 3 * ROWS && info.row_count % ROWS == 0);
  martlet_parquet_file_release(file);

  /* A footer in the clear: what is not encrypted is read without keys. */
  static const martlet_option plain[] = {
      {"encryption_footer_key", FOOTER}, {"encryption_column_key:price", COLUMN}, {"encryption_plaintext_footer", "true"}};
  static const martlet_option unchecked[] = {{"decryption_footer_key", FOOTER}, {"decryption_check_footer", "false"}};
  static const char *const columns[] = {"id"};
  write_file(path, plain, COUNT(plain), 1);
  for (int64_t count = 0; count <= COUNT(unchecked); count += 2) {
    file = open_file(path, unchecked, count);
    const totals found = scan(file, columns, 1, NULL, 0, NULL);
    EXPECT(found.rows == ROWS && found.id_sum == sum_below(ROWS));
    martlet_parquet_file_release(file);
  }

  /* Keys that wrap keys. */
  martlet_buffer *closed = NULL, *opened = NULL;
  const uint8_t *key = (const uint8_t *)"0123456789012345";
  CHECK(martlet_aes_gcm(key, 16, (const uint8_t *)"secret", 6, (const uint8_t *)"id", 2, true, &closed, &error));
  const uint8_t *bytes = martlet_buffer_address(closed);
  CHECK(martlet_aes_gcm(key, 16, bytes, martlet_buffer_size(closed), (const uint8_t *)"id", 2, false, &opened, &error));
  EXPECT(martlet_buffer_size(opened) == 6 && memcmp(martlet_buffer_address(opened), "secret", 6) == 0);
  martlet_buffer_release(opened);
  opened = NULL;
  EXPECT(martlet_aes_gcm(key, 16, bytes, martlet_buffer_size(closed), NULL, 0, false, &opened, &error) != MARTLET_OK);
  martlet_buffer_release(closed);
}

int main(int argc, char **argv) {
  const char *path = argc > 1 ? argv[1] : "parquet.parquet";
  options(path);
  metadata(path);
  filters_and_projections(path);
  append_and_recover(path);
  encryption(path);
  if (failures == 0) printf("the whole of Parquet works from C\n");
  return failures != 0;
}
