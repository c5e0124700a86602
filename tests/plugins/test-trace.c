/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plugin trace: what it logs, and the marks that a process of its own leaves in a ring buffer as Sysprof has it. */

#include "integration/util.h"

#include <glib/gstdio.h>
#include <string.h>

#ifdef HAVE_SYSPROF
#include <sys/socket.h>
#include <sysprof-capture.h>
#endif

#define TRACED_SERVER "TORNADIS_TEST_TRACED_SERVER"

static const char *program;
static GPtrArray *logged; /* (element-type GHashTable) the fields of each message of the plugin */

static GLogWriterOutput
write_cb (GLogLevelFlags level,
          const GLogField *fields,
          gsize n_fields,
          gpointer user_data)
{
  g_autoptr (GHashTable) message = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (gsize i = 0; i < n_fields; i++)
    {
      if (fields[i].length == -1)
        g_hash_table_insert (message, g_strdup (fields[i].key), g_strdup (fields[i].value));
    }
  if (g_strcmp0 (g_hash_table_lookup (message, "GLIB_DOMAIN"), "Tornadis-trace") != 0)
    return g_log_writer_default (level, fields, n_fields, user_data);

  g_hash_table_insert (message, g_strdup ("level"), g_strdup_printf ("%u", (guint) level));
  g_ptr_array_add (logged, g_steal_pointer (&message));
  return G_LOG_WRITER_HANDLED;
}

static void
assert_field (guint i,
              const char *key,
              const char *expected)
{
  g_assert_cmpuint (i, <, logged->len);
  g_assert_cmpstr (g_hash_table_lookup (g_ptr_array_index (logged, i), key), ==, expected);
}

static gint64
get_duration (guint i)
{
  return g_ascii_strtoll (g_hash_table_lookup (g_ptr_array_index (logged, i), "TORNADIS_DURATION_USEC"), NULL, 10);
}

static TornadisPlugin *
add (TornadisClient *client,
     const char *name)
{
  g_autoptr (GError) error = NULL;
  TornadisPlugin *plugin = tornadis_client_add_plugin_by_name (client, name, &error);

  g_assert_no_error (error);
  g_ptr_array_set_size (logged, 0);
  return plugin;
}

/* A client of a mock that answers everything. */
static TornadisClient *
make_mocked (TornadisPlugin **trace,
             TornadisPlugin **mock)
{
  TornadisClient *client = tornadis_client_new ("127.0.0.1", 1);

  *trace = add (client, "trace");
  *mock = add (client, "mock");
  g_object_set (*mock, "answers", g_variant_new_parsed ("{'*': 'OK'}"), NULL);
  return client;
}

static void
test_fields (Fixture *fixture,
             gconstpointer data)
{
  TornadisPlugin *trace = add (fixture->client, "trace");
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;
  g_autofree char *title = NULL;
  g_autofree char *message = NULL;

  g_object_get (fixture->client, "title", &title, NULL);
  assert_call (fixture->client, "OK", "SET", "secret", "value", NULL);
  g_assert_cmpuint (logged->len, ==, 1);
  assert_field (0, "PRIORITY", "7");
  assert_field (0, "TORNADIS_COMMAND", "SET");
  assert_field (0, "TORNADIS_SERVER", title);
  assert_field (0, "TORNADIS_OUTCOME", "ok");
  assert_field (0, "TORNADIS_ATTEMPT", "1");
  assert_field (0, "TORNADIS_ARGUMENTS", NULL);
  assert_field (0, "TORNADIS_N_COMMANDS", NULL);
  g_assert_cmpint (get_duration (0), >, 0);
  message = g_strdup_printf ("SET %s %.3f ms ok", title, (double) get_duration (0) / 1000);
  assert_field (0, "MESSAGE", message);

  g_assert_null (call (fixture->client, NULL, "LPUSH", "secret", "x", NULL));
  assert_field (1, "TORNADIS_OUTCOME", "WRONGTYPE");

  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", "secret", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "PING", NULL });
  replies = call_pipeline (fixture->client, pipeline, NULL, NULL);
  assert_field (2, "TORNADIS_COMMAND", "PIPELINE");
  assert_field (2, "TORNADIS_N_COMMANDS", "2");
  g_assert_nonnull (strstr (g_hash_table_lookup (g_ptr_array_index (logged, 2), "MESSAGE"), "PIPELINE(2) "));
  assert_field (2, "TORNADIS_ARGUMENTS", NULL);

  /* Nothing of what was sent or came. */
  for (guint i = 0; i < logged->len; i++)
    {
      GHashTableIter iter;
      gpointer value;

      g_hash_table_iter_init (&iter, g_ptr_array_index (logged, i));
      while (g_hash_table_iter_next (&iter, NULL, &value))
        {
          g_assert_null (strstr (value, "secret"));
          g_assert_null (strstr (value, "value"));
        }
    }

  tornadis_client_remove_plugin (fixture->client, trace);
  assert_call (fixture->client, "PONG", "PING", NULL);
  g_assert_cmpuint (logged->len, ==, 3);
}

static void
test_levels (void)
{
  TornadisPlugin *trace, *mock;
  g_autoptr (TornadisClient) client = make_mocked (&trace, &mock);
  static const struct
  {
    const char *nick;
    const char *priority;
    GLogLevelFlags flag;
  } levels[] = {
    { "debug", "7", G_LOG_LEVEL_DEBUG },
    { "info", "6", G_LOG_LEVEL_INFO },
    { "message", "5", G_LOG_LEVEL_MESSAGE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      g_autofree char *flag = g_strdup_printf ("%u", (guint) levels[i].flag);

      g_object_set (trace, "level", (int) i, NULL);
      assert_call (client, "OK", "PING", NULL);
      assert_field (i, "PRIORITY", levels[i].priority);
      assert_field (i, "level", flag);
    }

  g_object_set (trace, "log", FALSE, NULL);
  assert_call (client, "OK", "PING", NULL);
  g_assert_cmpuint (logged->len, ==, 3);
}

static void
test_arguments (void)
{
  static const struct
  {
    const char *call[5];
    const char *first;
    const char *all;
  } calls[] = {
    { { "SET", "key", "value", "EX", "5" }, "key", "key value EX 5" },
    { { "PING" }, "", "" },
    { { "ECHO", "" }, "\"\"", "\"\"" },
    { { "ECHO", "a b" }, "\"a b\"", "\"a b\"" },
    { { "ECHO", "a\"\\\n\x01\x7f" }, "\"a\\\"\\\\\\x0a\\x01\\x7f\"", "\"a\\\"\\\\\\x0a\\x01\\x7f\"" },
    { { "ECHO", "\xc3\xbc\xff" }, "\"\xc3\xbc\\xff\"", "\"\xc3\xbc\\xff\"" },
    /* What turns the text of a terminal around. */
    { { "ECHO", "\xe2\x80\xae" }, "\\xe2\\x80\\xae", "\\xe2\\x80\\xae" },
    { { "ECHO", "0123456789012345678901234567890123456789x" },
      "0123456789012345678901234567890123456789…",
      "0123456789012345678901234567890123456789…" },
    { { "MSET", "0123456789", "01234567890123456789", "0123456789" }, "0123456789", "0123456789 01234567890123456789 01234567…" },
    { { "ECHO", "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc" }, "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc" },
    { { "AUTH", "user", "hunter2" }, "***", "***" },
    { { "auth", "hunter2" }, "***", "***" },
    { { "AUTH" }, "", "" },
    { { "HELLO2", "3" }, "3", "3" },
    { { "MIGRATE", "host", "AUTH", "hunter2" }, "***", "***" },
    { { "CONFIG", "SET", "requirepass", "hunter2" }, "***", "***" },
    { { "Config", "set", "requirepass", "hunter2" }, "***", "***" },
    { { "CONFIG", "GET", "maxmemory" }, "GET", "GET maxmemory" },
    { { "ACL", "SETUSER", "x", ">hunter2" }, "***", "***" },
    { { "ACL", "SETUSERS", "x" }, "SETUSERS", "SETUSERS x" },
    { { "SENTINEL", "SET", "m", "auth-pass", "hunter2" }, "***", "***" },
    { { "MODULE", "LOADEX", "m", "CONFIG", "hunter2" }, "***", "***" },
  };
  TornadisPlugin *trace, *mock;
  g_autoptr (TornadisClient) client = make_mocked (&trace, &mock);

  g_object_set (trace, "max-length", 40, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      const char *const *args = calls[i].call;

      for (int shown = 0; shown < 3; shown++)
        {
          g_ptr_array_set_size (logged, 0);
          g_object_set (trace, "arguments", shown, NULL);
          assert_call (client, "OK", args[0], args[1], args[2], args[3], args[4], NULL);
          assert_field (0, "TORNADIS_ARGUMENTS", (const char *[]){ NULL, calls[i].first, calls[i].all }[shown]);
        }
    }
}

static void
test_arguments_of_pipelines (void)
{
  TornadisPlugin *trace, *mock;
  g_autoptr (TornadisClient) client = make_mocked (&trace, &mock);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;
  g_autoptr (TornadisReply) more = NULL;

  tornadis_pipeline_set_atomic (pipeline, TRUE);
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "SET", "k", "v", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "MIGRATE", "hunter2", NULL });
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "PING", NULL });
  g_object_set (trace, "arguments", 2, NULL);
  replies = call_pipeline (client, pipeline, NULL, NULL);
  assert_field (0, "TORNADIS_COMMAND", "MULTI");
  assert_field (0, "TORNADIS_ARGUMENTS", "SET k v; MIGRATE ***; PING");

  for (guint i = 0; i < 1000; i++)
    tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "PING", NULL });
  g_object_set (trace, "max-length", 10, NULL);
  more = call_pipeline (client, pipeline, NULL, NULL);
  assert_field (1, "TORNADIS_ARGUMENTS", "SET k v; M…");
}

#define RETRY_TYPE_PLUGIN (retry_plugin_get_type ())
G_DECLARE_FINAL_TYPE (RetryPlugin, retry_plugin, RETRY, PLUGIN, TornadisPlugin)

struct _RetryPlugin
{
  TornadisPlugin parent_instance;
};

G_DEFINE_FINAL_TYPE (RetryPlugin, retry_plugin, TORNADIS_TYPE_PLUGIN)

static void
retry_plugin_call_done (TornadisPlugin *plugin,
                        TornadisCall *call)
{
  g_autoptr (GError) error = tornadis_call_dup_error (call);

  if (g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST))
    tornadis_call_retry (call, 30);
}

static void
retry_plugin_class_init (RetryPluginClass *klass)
{
  TORNADIS_PLUGIN_CLASS (klass)->call_done = retry_plugin_call_done;
}

static void
retry_plugin_init (RetryPlugin *self)
{
}

/* Before a plugin that repeats calls there is one message, behind it one for each attempt. */
static void
test_attempts (void)
{
  for (guint outside = 0; outside < 2; outside++)
    {
      g_autoptr (TornadisClient) client = tornadis_client_new ("127.0.0.1", 1);
      g_autoptr (TornadisPlugin) retry = g_object_new (RETRY_TYPE_PLUGIN, NULL);
      TornadisPlugin *mock;
      gint64 start;

      if (outside == 1)
        add (client, "trace");
      g_assert_true (tornadis_client_add_plugin (client, retry, NULL));
      if (outside == 0)
        add (client, "trace");
      mock = add (client, "mock");
      g_object_set (mock, "delay-msec", 20, "script", g_variant_new_parsed ("[('GET k', <('error', 'LOST')>), ('GET k', <1>)]"),
                    NULL);

      start = g_get_monotonic_time ();
      assert_call (client, "(integer) 1", "GET", "k", NULL);
      g_assert_cmpuint (logged->len, ==, 2 - outside);
      if (outside == 1)
        {
          assert_field (0, "TORNADIS_ATTEMPT", "2");
          assert_field (0, "TORNADIS_OUTCOME", "ok");
          g_assert_cmpint (get_duration (0), >=, 69000);
          continue;
        }
      assert_field (0, "TORNADIS_ATTEMPT", "1");
      assert_field (0, "TORNADIS_OUTCOME", "lost");
      assert_field (1, "TORNADIS_ATTEMPT", "2");
      assert_field (1, "TORNADIS_OUTCOME", "ok");
      g_assert_cmpint (get_duration (0), >=, 19000);
      g_assert_cmpint (get_duration (1), >=, 19000);
      /* The pause between them belongs to neither. */
      g_assert_cmpint (get_duration (0) + get_duration (1) + 29000, <=, g_get_monotonic_time () - start);
    }
}

static void
test_cancelled (void)
{
  TornadisPlugin *trace, *mock;
  g_autoptr (TornadisClient) client = make_mocked (&trace, &mock);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (TornadisCommand) ping = tornadis_command_new ("PING");
  g_autoptr (GAsyncResult) result = NULL;

  g_object_set (mock, "delay-msec", 3600000, NULL);
  tornadis_client_call_async (client, ping, cancellable, store_result, &result);
  tornadis_client_remove_plugin (client, trace);
  g_cancellable_cancel (cancellable);
  wait_for_result (&result);
  assert_field (0, "TORNADIS_OUTCOME", "cancelled");
}

static void
ignore_cb (TornadisClient *client,
           TornadisReply *reply,
           GError *error,
           gpointer user_data)
{
  ++*(guint *) user_data;
}

/* Two of them, and clients of a pool. */
static void
test_many (void)
{
  TornadisPlugin *trace, *mock;
  g_autoptr (TornadisClient) template = make_mocked (&trace, &mock);
  g_autoptr (TornadisClientPool) pool = tornadis_client_pool_new (template);
  g_autoptr (TornadisClient) one = tornadis_client_pool_get_client_nowait (pool);
  g_autoptr (TornadisClient) two = tornadis_client_pool_get_client_nowait (pool);
  guint n = 0;

  add (one, "trace");
  for (guint i = 0; i < 10000; i++)
    {
      g_autoptr (TornadisCommand) get = tornadis_command_new_format ("GET %d", (int) i);

      tornadis_client_submit (i % 2 == 0 ? one : two, get, ignore_cb, &n, NULL);
    }
  while (n < 10000)
    g_main_context_iteration (NULL, TRUE);
  /* One behind the mock sees nothing. */
  g_assert_cmpuint (logged->len, ==, 10000);
  tornadis_client_pool_release_client (pool, one);
  tornadis_client_pool_release_client (pool, two);
}

#ifdef HAVE_SYSPROF

/* What Sysprof gives to those who ask on SYSPROF_CONTROL_FD, and reads them back from; in the library, not in its
 * headers. */
typedef struct _MappedRingBuffer MappedRingBuffer;

MappedRingBuffer *mapped_ring_buffer_new_reader (size_t buffer_size);
int mapped_ring_buffer_get_fd (MappedRingBuffer *self);
void mapped_ring_buffer_unref (MappedRingBuffer *self);
bool mapped_ring_buffer_drain (MappedRingBuffer *self,
                               bool (*callback) (const void *data,
                                                 size_t *length,
                                                 void *user_data),
                               void *user_data);

#define REQUEST_LENGTH 10

/* The process that is traced. */
static int
run_traced (void)
{
  g_autoptr (TornadisClient) client = tornadis_client_new_for_unix_socket (g_getenv (TRACED_SERVER));
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  g_autoptr (TornadisReply) replies = NULL;
  TornadisPlugin *trace = add (client, "trace");

  g_object_set (trace, "arguments", 1, NULL);
  assert_call (client, "OK", "SET", "k", "hunter2", NULL);
  g_assert_null (call (client, NULL, "LPUSH", "k", "hunter2", NULL));
  tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", "k", NULL });
  replies = call_pipeline (client, pipeline, NULL, NULL);
  g_assert_nonnull (replies);
  g_object_set (trace, "marks", FALSE, NULL);
  assert_call (client, "PONG", "PING", NULL);

  return logged->len == 4 ? 0 : 1;
}

static void
send_fd (int socket,
         int fd)
{
  union
  {
    struct cmsghdr header;
    char bytes[CMSG_SPACE (sizeof (int))];
  } control = { .bytes = { 0 } };
  struct iovec one_byte = { (gpointer) "", 1 };
  struct msghdr message = {
    .msg_iov = &one_byte,
    .msg_iovlen = 1,
    .msg_control = control.bytes,
    .msg_controllen = sizeof control.bytes,
  };
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);
  gssize sent;

  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (sizeof (int));
  memcpy (CMSG_DATA (header), &fd, sizeof fd);
  sent = sendmsg (socket, &message, 0);
  g_assert_cmpint (sent, ==, 1);
}

static bool
take_frame (const void *data,
            size_t *length,
            void *user_data)
{
  const SysprofCaptureMark *mark = data;

  *length = mark->frame.len;
  if (mark->frame.type == SYSPROF_CAPTURE_FRAME_MARK && g_strcmp0 (mark->group, "Tornadis") == 0)
    {
      g_assert_cmpint (mark->duration, >, 0);
      g_assert_cmpint (mark->frame.time + mark->duration, <=, g_get_monotonic_time () * 1000 + 1000);
      g_string_append_printf (user_data, "%s: %s\n", mark->name, mark->message);
    }
  return true;
}

static void
test_marks (Fixture *fixture,
            gconstpointer data)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GSubprocess) traced = NULL;
  g_autoptr (GPtrArray) rings = g_ptr_array_new_with_free_func ((GDestroyNotify) mapped_ring_buffer_unref);
  g_autoptr (GString) marks = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *title = NULL;
  g_autofree char *expected = NULL;
  char request[REQUEST_LENGTH];
  int sockets[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), ==, 0);
  g_subprocess_launcher_take_fd (launcher, sockets[1], 3);
  g_subprocess_launcher_setenv (launcher, "SYSPROF_CONTROL_FD", "3", TRUE);
  g_subprocess_launcher_setenv (launcher, TRACED_SERVER, tornadis_harness_redis_get_socket_path (fixture->redis), TRUE);
  traced = g_subprocess_launcher_spawn (launcher, &error, program, NULL);
  g_assert_no_error (error);
  g_subprocess_launcher_close (launcher);

  /* A library of the process that has marks of its own asks as well. */
  while (recv (sockets[0], request, sizeof request, MSG_WAITALL) == REQUEST_LENGTH)
    {
      MappedRingBuffer *ring = mapped_ring_buffer_new_reader (0);

      g_assert_cmpmem (request, REQUEST_LENGTH, "CreatRing", REQUEST_LENGTH);
      send_fd (sockets[0], mapped_ring_buffer_get_fd (ring));
      g_ptr_array_add (rings, ring);
    }
  g_subprocess_wait_check (traced, NULL, &error);
  g_assert_no_error (error);
  g_close (sockets[0], NULL);

  for (guint i = 0; i < rings->len; i++)
    mapped_ring_buffer_drain (g_ptr_array_index (rings, i), take_frame, marks);
  g_object_get (fixture->client, "title", &title, NULL);
  expected = g_strdup_printf ("SET: k %s ok\nLPUSH: k %s WRONGTYPE\nPIPELINE: (1) GET k %s ok\n", title, title, title);
  g_assert_cmpstr (marks->str, ==, expected);
}

#else

static int
run_traced (void)
{
  return 1;
}

static void
test_marks (Fixture *fixture,
            gconstpointer data)
{
  g_test_skip ("built without sysprof-capture-4");
}

#endif

int
main (int argc,
      char **argv)
{
  program = argv[0];
  logged = g_ptr_array_new_with_free_func ((GDestroyNotify) g_hash_table_unref);
  g_log_set_writer_func (write_cb, NULL, NULL);
  if (g_getenv (TRACED_SERVER) != NULL)
    return run_traced ();

  g_test_init (&argc, &argv, NULL);

  g_test_add ("/trace/fields", Fixture, NULL, fixture_set_up, test_fields, fixture_tear_down);
  g_test_add_func ("/trace/levels", test_levels);
  g_test_add_func ("/trace/arguments", test_arguments);
  g_test_add_func ("/trace/arguments-of-pipelines", test_arguments_of_pipelines);
  g_test_add_func ("/trace/attempts", test_attempts);
  g_test_add_func ("/trace/cancelled", test_cancelled);
  g_test_add_func ("/trace/many", test_many);
  g_test_add ("/trace/marks", Fixture, NULL, fixture_set_up, test_marks, fixture_tear_down);

  return g_test_run ();
}
