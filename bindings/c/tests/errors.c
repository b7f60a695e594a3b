/* Error paths: each refused call gives its status and a message, leaves its outputs alone, and frees nothing twice. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <martlet/martlet.h>

static int failures = 0;

#define EXPECT(condition)                                                    \
  do {                                                                       \
    if (!(condition)) {                                                      \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      failures += 1;                                                         \
    }                                                                        \
  } while (0)

/* The call fails with this status and says something; *out stays as it was. */
#define EXPECT_STATUS(expected, call)                                                                          \
  do {                                                                                                         \
    martlet_status found = (memset(&error, 0, sizeof error), (call));                                          \
    if (found != (expected) || error.code != found || error.message[0] == 0) {                                 \
      fprintf(stderr, "%s:%d: %s gave %d (\"%s\"), expected %d\n", __FILE__, __LINE__, #call, (int)found, error.message, \
              (int)(expected));                                                                                \
      failures += 1;                                                                                           \
    }                                                                                                          \
  } while (0)

static martlet_error error;

static void release_schema(struct ArrowSchema *schema) { schema->release = NULL; }

static struct ArrowSchema schema_of(const char *format) {
  struct ArrowSchema schema;
  memset(&schema, 0, sizeof schema);
  schema.format = format;
  schema.name = "x";
  schema.release = release_schema;
  return schema;
}

static void buffers(void) {
  martlet_buffer *none = NULL, *buffer = NULL;
  EXPECT_STATUS(MARTLET_INVALID, martlet_buffer_copy("abc", -1, &none, &error));
  EXPECT_STATUS(MARTLET_INVALID, martlet_buffer_slice(NULL, 0, 0, &none, &error));
  EXPECT(none == NULL);
  EXPECT(martlet_buffer_copy("martlet", 7, &buffer, NULL) == MARTLET_OK);
  EXPECT(martlet_buffer_size(buffer) == 7 && memcmp(martlet_buffer_address(buffer), "martlet", 7) == 0);
  EXPECT(martlet_buffer_slice(buffer, 5, 3, &none, &error) != MARTLET_OK);
  EXPECT(martlet_buffer_slice(buffer, -1, 1, &none, NULL) != MARTLET_OK);
  EXPECT(martlet_buffer_slice(buffer, INT64_MAX, INT64_MAX, &none, NULL) != MARTLET_OK);
  EXPECT(none == NULL);
  martlet_buffer_release(buffer);
  martlet_buffer_release(NULL);
}

static void schemas(void) {
  static const char *const bad[] = {"", "?", "+", "+w:", "+w:-1", "w:99999999999999999999", "d:", "d:1", "tsx:", "+ud:1,x", "vv"};
  martlet_schema *out = NULL;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct ArrowSchema schema = schema_of(bad[i]);
    EXPECT(martlet_schema_import(&schema, &out, &error) != MARTLET_OK);
    EXPECT(out == NULL);
    EXPECT(schema.release == NULL);
  }
  struct ArrowSchema released = schema_of("l");
  released.release = NULL;
  EXPECT(martlet_schema_import(&released, &out, &error) != MARTLET_OK);
  EXPECT(martlet_schema_import(NULL, &out, &error) != MARTLET_OK);

  /* A schema that contains itself ends at the limit of depth. */
  struct ArrowSchema loop = schema_of("+l");
  struct ArrowSchema *child = &loop;
  loop.n_children = 1;
  loop.children = &child;
  EXPECT(martlet_schema_import(&loop, &out, &error) != MARTLET_OK);
  EXPECT(out == NULL);
  martlet_schema_release(NULL);
}

static void release_array(struct ArrowArray *array) { array->release = NULL; }

static void arrays(void) {
  struct ArrowSchema c_schema = schema_of("l");
  martlet_schema *schema = NULL;
  martlet_array *out = NULL;
  EXPECT(martlet_schema_import(&c_schema, &schema, &error) == MARTLET_OK);

  static const int64_t values[4] = {1, 2, 3, 4};
  const void *pointers[2] = {NULL, values};
  struct ArrowArray good;
  memset(&good, 0, sizeof good);
  good.length = 4;
  good.n_buffers = 2;
  good.buffers = pointers;
  good.release = release_array;

  struct ArrowArray bad = good;
  bad.length = -1;
  EXPECT(martlet_array_import(&bad, schema, &out, &error) != MARTLET_OK);
  EXPECT(bad.release == NULL);
  bad = good;
  bad.offset = -1;
  EXPECT(martlet_array_import(&bad, schema, &out, &error) != MARTLET_OK);
  bad = good;
  bad.offset = INT64_MAX;
  EXPECT(martlet_array_import(&bad, schema, &out, &error) != MARTLET_OK);
  bad = good;
  bad.n_buffers = 1;
  EXPECT(martlet_array_import(&bad, schema, &out, &error) != MARTLET_OK);
  bad = good;
  bad.n_children = 1;
  EXPECT(martlet_array_import(&bad, schema, &out, &error) != MARTLET_OK);
  EXPECT(out == NULL);
  EXPECT(martlet_array_import(NULL, schema, &out, &error) != MARTLET_OK);

  EXPECT(martlet_array_import(&good, schema, &out, &error) == MARTLET_OK);
  EXPECT(martlet_array_length(out) == 4);
  martlet_array *part = NULL;
  EXPECT(martlet_array_slice(out, 3, 5, &part, &error) != MARTLET_OK);
  EXPECT(martlet_array_child(out, 0, &part, &error) != MARTLET_OK);
  EXPECT(part == NULL);
  martlet_array_release(out);
  martlet_array_release(NULL);
  martlet_schema_release(schema);
}

static void files(void) {
  martlet_source *source = NULL;
  EXPECT_STATUS(MARTLET_IO_ERROR, martlet_source_open("nothing/here", NULL, 0, &source, &error));
  EXPECT(error.system_error == ENOENT);
  EXPECT(strstr(error.message, "Failed to open local file 'nothing/here'") != NULL);
  EXPECT(martlet_source_open(NULL, NULL, 0, &source, &error) != MARTLET_OK);
  const martlet_option unknown = {"no_such_key", "1"};
  EXPECT(martlet_source_open(".", &unknown, 1, &source, &error) != MARTLET_OK);
  EXPECT(strstr(error.message, "no_such_key") != NULL);
  EXPECT(source == NULL);

  FILE *file = fopen("garbage", "wb");
  for (int i = 0; i < 1000; i++) fputc(i * 7 % 256, file);
  fclose(file);
  EXPECT(martlet_source_open("garbage", NULL, 0, &source, &error) == MARTLET_OK);
  martlet_parquet_file *parquet = NULL;
  EXPECT(martlet_parquet_file_open(source, NULL, 0, &parquet, &error) != MARTLET_OK);
  EXPECT(error.message[0] != 0);
  martlet_ipc_file *ipc = NULL;
  EXPECT(martlet_ipc_file_open(source, NULL, 0, &ipc, &error) != MARTLET_OK);
  EXPECT(parquet == NULL && ipc == NULL);
  martlet_source_release(source);

  martlet_sink *sink = NULL;
  EXPECT_STATUS(MARTLET_IO_ERROR, martlet_sink_create("nothing/here", NULL, 0, &sink, &error));
  EXPECT(sink == NULL);
  /* An open sink that is let go leaves nothing behind. */
  EXPECT(martlet_sink_create("never", NULL, 0, &sink, &error) == MARTLET_OK);
  EXPECT(martlet_sink_write(sink, "abc", 3, &error) == MARTLET_OK);
  martlet_sink_release(sink);
  EXPECT(fopen("never", "rb") == NULL);
}

static void nulls(void) {
  /* Releasing nothing is fine everywhere. */
  martlet_array_release(NULL);
  martlet_stream_release(NULL);
  martlet_source_release(NULL);
  martlet_sink_release(NULL);
  martlet_ipc_writer_release(NULL);
  martlet_ipc_file_release(NULL);
  martlet_parquet_writer_release(NULL);
  martlet_parquet_file_release(NULL);
  martlet_expression_release(NULL);
  martlet_dataset_release(NULL);

  martlet_array *out = NULL;
  EXPECT_STATUS(MARTLET_INVALID, martlet_stream_next(NULL, &out, &error));
  EXPECT_STATUS(MARTLET_INVALID, martlet_array_slice(NULL, 0, 0, &out, &error));
  EXPECT_STATUS(MARTLET_INVALID, martlet_parquet_writer_write(NULL, NULL, NULL, &error));
  EXPECT(out == NULL);
  EXPECT(martlet_stream_next(NULL, NULL, NULL) != MARTLET_OK);
}

int main(void) {
  buffers();
  schemas();
  arrays();
  files();
  nulls();
  if (failures > 0) return 1;
  puts("error paths hold");
  return 0;
}
