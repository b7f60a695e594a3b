/* Writes a Parquet file from this program's own buffers and reads it back.
 *
 * The buffers go to Martlet through the Arrow C Data Interface: they are borrowed, not copied, and given back through the
 * release callbacks below. The same way leads back: what is read arrives as Arrow arrays.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <martlet/martlet.h>

enum { ROWS = 1000, BATCHES = 3, COLUMNS = 3 };

/* Prints what went wrong and ends the program. */
static void check(martlet_status status, const martlet_error *error) {
  if (status == MARTLET_OK) return;
  fprintf(stderr, "martlet failed with status %" PRId32 ": %s\n", status, error->message);
  exit(1);
}

static void *allocate(size_t size) {
  void *memory = calloc(1, size);
  if (memory == NULL) abort();
  return memory;
}

/* ---- this program's arrays, as Arrow structures ---- */

static void release_schema(struct ArrowSchema *schema) {
  for (int64_t i = 0; i < schema->n_children; i++) {
    if (schema->children[i]->release != NULL) schema->children[i]->release(schema->children[i]);
    free(schema->children[i]);
  }
  free(schema->children);
  schema->release = NULL;
}

static void release_array(struct ArrowArray *array) {
  for (int64_t i = 0; i < array->n_buffers; i++) free((void *)array->buffers[i]);
  for (int64_t i = 0; i < array->n_children; i++) {
    if (array->children[i]->release != NULL) array->children[i]->release(array->children[i]);
    free(array->children[i]);
  }
  free(array->buffers);
  free(array->children);
  array->release = NULL;
}

/* `format` and `name` are static texts. */
static void make_schema(struct ArrowSchema *schema, const char *format, const char *name, int64_t child_count) {
  memset(schema, 0, sizeof *schema);
  schema->format = format;
  schema->name = name;
  schema->flags = ARROW_FLAG_NULLABLE;
  schema->n_children = child_count;
  if (child_count > 0) schema->children = allocate((size_t)child_count * sizeof *schema->children);
  for (int64_t i = 0; i < child_count; i++) schema->children[i] = allocate(sizeof *schema->children[i]);
  schema->release = release_schema;
}

static void make_array(struct ArrowArray *array, int64_t length, int64_t null_count, int64_t buffer_count,
                       int64_t child_count) {
  memset(array, 0, sizeof *array);
  array->length = length;
  array->null_count = null_count;
  array->n_buffers = buffer_count;
  array->buffers = allocate((size_t)buffer_count * sizeof *array->buffers);
  array->n_children = child_count;
  if (child_count > 0) array->children = allocate((size_t)child_count * sizeof *array->children);
  for (int64_t i = 0; i < child_count; i++) array->children[i] = allocate(sizeof *array->children[i]);
  array->release = release_array;
}

/* id: int64, temperature: float64 with a null in every tenth row, station: string */
static void make_measurements_schema(struct ArrowSchema *schema) {
  make_schema(schema, "+s", "", COLUMNS);
  make_schema(schema->children[0], "l", "id", 0);
  make_schema(schema->children[1], "g", "temperature", 0);
  make_schema(schema->children[2], "u", "station", 0);
}

static void make_measurements(struct ArrowArray *batch, int64_t first) {
  static const char *const stations[] = {"Oslo", "Bern", "Lisbon"};
  make_array(batch, ROWS, 0, 1, COLUMNS);

  int64_t *ids = allocate(ROWS * sizeof *ids);
  double *temperatures = allocate(ROWS * sizeof *temperatures);
  uint8_t *is_there = allocate((ROWS + 7) / 8);
  int32_t *offsets = allocate((ROWS + 1) * sizeof *offsets);
  char *text = allocate(ROWS * 6);
  for (int64_t i = 0; i < ROWS; i++) {
    const char *station = stations[(first + i) % 3];
    size_t size = strlen(station);
    ids[i] = first + i;
    temperatures[i] = 10.0 + (double)((first + i) % 25) / 2;
    if (i % 10 != 0) is_there[i / 8] |= (uint8_t)(1u << (i % 8));
    memcpy(text + offsets[i], station, size);
    offsets[i + 1] = offsets[i] + (int32_t)size;
  }

  make_array(batch->children[0], ROWS, 0, 2, 0);
  batch->children[0]->buffers[1] = ids;
  make_array(batch->children[1], ROWS, ROWS / 10, 2, 0);
  batch->children[1]->buffers[0] = is_there;
  batch->children[1]->buffers[1] = temperatures;
  make_array(batch->children[2], ROWS, 0, 3, 0);
  batch->children[2]->buffers[1] = offsets;
  batch->children[2]->buffers[2] = text;
}

/* ---- the two directions ---- */

static void write_file(const char *path) {
  martlet_error error;
  struct ArrowSchema c_schema;
  martlet_schema *schema = NULL;
  make_measurements_schema(&c_schema);
  check(martlet_schema_import(&c_schema, &schema, &error), &error);

  /* The file appears under its name when the writer is closed, whole or not at all. */
  martlet_sink *sink = NULL;
  check(martlet_sink_create(path, NULL, 0, &sink, &error), &error);
  const martlet_option options[] = {{"compression", "zstd"}, {"compression_level", "3"}};
  martlet_parquet_writer *writer = NULL;
  check(martlet_parquet_writer_open(sink, schema, options, 2, &writer, &error), &error);

  for (int64_t i = 0; i < BATCHES; i++) {
    struct ArrowArray c_batch;
    martlet_array *batch = NULL;
    make_measurements(&c_batch, i * ROWS);
    check(martlet_array_import(&c_batch, schema, &batch, &error), &error);
    check(martlet_parquet_writer_write(writer, batch, NULL, &error), &error);
    martlet_array_release(batch);
  }
  check(martlet_parquet_writer_close(writer, NULL, &error), &error);

  martlet_parquet_writer_release(writer);
  martlet_sink_release(sink);
  martlet_schema_release(schema);
}

static bool is_valid(const struct ArrowArray *array, int64_t i) {
  const uint8_t *bits = array->buffers[0];
  i += array->offset;
  return bits == NULL || (bits[i / 8] >> (i % 8) & 1) != 0;
}

static void read_file(const char *path) {
  martlet_error error;
  martlet_source *source = NULL;
  martlet_parquet_file *file = NULL;
  check(martlet_source_open(path, NULL, 0, &source, &error), &error);
  check(martlet_parquet_file_open(source, NULL, 0, &file, &error), &error);

  /* Only two of the three columns are read. */
  const char *const columns[] = {"id", "temperature"};
  martlet_stream *stream = NULL;
  check(martlet_parquet_file_scan(file, columns, 2, NULL, 0, NULL, NULL, 0, NULL, &stream, &error), &error);

  int64_t rows = 0, nulls = 0, id_sum = 0;
  double temperature_sum = 0;
  for (;;) {
    martlet_array *batch = NULL;
    check(martlet_stream_next(stream, &batch, &error), &error);
    if (batch == NULL) break;
    struct ArrowArray c_batch;
    check(martlet_array_export(batch, &c_batch, NULL, &error), &error);
    martlet_array_release(batch);

    const struct ArrowArray *ids = c_batch.children[0];
    const struct ArrowArray *temperatures = c_batch.children[1];
    const int64_t *id = (const int64_t *)ids->buffers[1] + ids->offset;
    const double *temperature = (const double *)temperatures->buffers[1] + temperatures->offset;
    for (int64_t i = 0; i < c_batch.length; i++) {
      id_sum += id[i];
      if (is_valid(temperatures, i)) {
        temperature_sum += temperature[i];
      } else {
        nulls += 1;
      }
    }
    rows += c_batch.length;
    c_batch.release(&c_batch);
  }

  martlet_stream_release(stream);
  martlet_parquet_file_release(file);
  martlet_source_release(source);

  printf("rows %" PRId64 ", nulls %" PRId64 ", sum of id %" PRId64 ", sum of temperature %.1f\n", rows, nulls, id_sum,
         temperature_sum);
}

int main(int argc, char **argv) {
  const char *path = argc > 1 ? argv[1] : "measurements.parquet";
  printf("Martlet %s\n", martlet_version());
  write_file(path);
  printf("wrote %s\n", path);
  read_file(path);
  return 0;
}
