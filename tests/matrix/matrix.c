/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "matrix/matrix.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Nothing takes so long on the slowest machine. */
#define PATIENCE_MSEC 60000

static gboolean prints_table;

/* In seconds. */
static gint64 monotonic_offset;
static gint64 wall_offset;

/* In place of the C library's, for all that this program is linked with. */
int
clock_gettime (clockid_t clock,
               struct timespec *at)
{
  int result = (int) syscall (SYS_clock_gettime, clock, at);

  if (clock == CLOCK_MONOTONIC)
    at->tv_sec += __atomic_load_n (&monotonic_offset, __ATOMIC_RELAXED);
  else if (clock == CLOCK_REALTIME)
    at->tv_sec += __atomic_load_n (&wall_offset, __ATOMIC_RELAXED);
  return result;
}

void
matrix_advance_clock (guint seconds)
{
  __atomic_fetch_add (&monotonic_offset, seconds, __ATOMIC_RELAXED);
}

void
matrix_set_wall_clock (gint64 offset)
{
  __atomic_store_n (&wall_offset, offset, __ATOMIC_RELAXED);
}

/* Nobody needs to wait for the next attempt: as if the network had just come. */
static gboolean
hurry_cb (GSignalInvocationHint *hint,
          guint n_values,
          const GValue *values,
          gpointer user_data)
{
  g_signal_emit_by_name (g_network_monitor_get_default (), "network-changed", TRUE);
  return TRUE;
}

void
matrix_init (int *argc,
             char ***argv)
{
  prints_table = *argc > 1 && g_str_equal ((*argv)[1], "--table");
  if (prints_table)
    return;

  g_test_init (argc, argv, NULL);
  g_type_class_unref (g_type_class_ref (TORNADIS_TYPE_CLIENT));
  g_signal_add_emission_hook (g_signal_lookup ("reconnect-scheduled", TORNADIS_TYPE_CLIENT), 0, hurry_cb, NULL, NULL);
}

void
matrix_add (const char *path,
            const char *peer,
            const char *what,
            const char *ends,
            gconstpointer data,
            GTestDataFunc func)
{
  if (prints_table)
    g_print ("| `%s` | %s | %s | %s |\n", path, what, peer, ends);
  else
    g_test_add_data_func (path, data, func);
}

int
matrix_run (void)
{
  return prints_table ? 0 : g_test_run ();
}

gsize
matrix_get_stride (void)
{
  const char *factor = g_getenv ("TORNADIS_TEST_SLOW");

  return factor != NULL ? 1 + (gsize) g_ascii_strtoull (factor, NULL, 10) : 1;
}

char *
matrix_describe (guint endings)
{
  static const char *const words[] = {
    "its own value",
    "`CONNECT`, not run",
    "`AUTHENTICATION`, not run",
    "`CLOSED`, not run",
    "`LOST`, may have run",
    "`TIMEOUT`, may have run",
    "`PROTOCOL`, may have run",
    "`REPLY`, the server's words",
    "`USAGE`, not run",
    "`BUSY`, not run",
    "**a value that is another's**",
  };
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if ((endings & 1u << i) != 0)
      g_string_append_printf (text, "%s%s", text->len > 0 ? ", or " : "", words[i]);

  return g_string_free (text, FALSE);
}

const char *
matrix_describe_after (MatrixAfter after)
{
  return after == MATRIX_SAME ? "then the same connection" : "then a new connection";
}

char *
matrix_describe_ends (const MatrixEnds *ends)
{
  g_autofree char *ending = matrix_describe (ends->ending);
  g_autofree char *behind = matrix_describe (ends->behind);
  GString *text = g_string_new (ending);

  if (ends->behind != 0)
    g_string_append_printf (text, "; %s: %s", ends->note, behind);
  else if (ends->note != NULL)
    g_string_append_printf (text, "; %s", ends->note);
  g_string_append_printf (text, "; %s", matrix_describe_after (ends->after));

  return g_string_free (text, FALSE);
}

void
matrix_call_clear (MatrixCall *self)
{
  g_clear_pointer (&self->text, g_free);
}

static MatrixEnding
find_ending (const GError *error)
{
  switch (error->domain == TORNADIS_ERROR ? (TornadisError) error->code : TORNADIS_ERROR_PLUGIN)
    {
    case TORNADIS_ERROR_CONNECT:
      return MATRIX_CONNECT;
    case TORNADIS_ERROR_AUTHENTICATION:
      return MATRIX_AUTHENTICATION;
    case TORNADIS_ERROR_CLOSED:
      return MATRIX_CLOSED;
    case TORNADIS_ERROR_LOST:
      return MATRIX_LOST;
    case TORNADIS_ERROR_TIMEOUT:
      return MATRIX_TIMEOUT;
    case TORNADIS_ERROR_PROTOCOL:
      return MATRIX_PROTOCOL;
    case TORNADIS_ERROR_REPLY:
      return MATRIX_REPLY;
    case TORNADIS_ERROR_USAGE:
      return MATRIX_USAGE;
    case TORNADIS_ERROR_BUSY:
      return MATRIX_BUSY;
    case TORNADIS_ERROR_PLUGIN:
    default:
      g_error ("no case of the matrix ends with “%s”", error->message);
    }
}

/* Whether every value in it is its own. An error in its place is nobody's. */
static gboolean
reply_is_own (TornadisReply *reply,
              const char *serial)
{
  gsize n = tornadis_reply_get_n_elements (reply);

  if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_ARRAY)
    return g_strcmp0 (tornadis_reply_get_text (reply), serial) == 0;

  for (gsize i = 0; i < n; i++)
    {
      TornadisReply *element = tornadis_reply_get_element (reply, i);

      if (!tornadis_reply_is_error (element) && !reply_is_own (element, serial))
        return FALSE;
    }

  return n > 0;
}

void
matrix_call_end (MatrixCall *self,
                 TornadisReply *reply,
                 const GError *error)
{
  /* Never twice. */
  g_assert_false (self->ended);
  self->ended = TRUE;
  if (error != NULL)
    self->ending = find_ending (error);
  else if (reply == NULL || reply_is_own (reply, self->serial))
    self->ending = MATRIX_VALUE;
  else
    self->ending = MATRIX_OTHERS;
  self->text = error != NULL ? g_strdup (error->message) : reply != NULL ? tornadis_reply_to_string (reply)
                                                                         : NULL;
}

static void
reply_cb (TornadisClient *client,
          TornadisReply *reply,
          GError *error,
          gpointer user_data)
{
  g_assert_true ((reply == NULL) != (error == NULL));
  matrix_call_end (user_data, reply, error);
}

void
matrix_call_submit_strv (MatrixCall *self,
                         TornadisClient *client,
                         const char *const *argv)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv (argv);

  tornadis_client_submit (client, command, reply_cb, self, NULL);
  g_assert_false (self->ended);
}

void
matrix_call_submit (MatrixCall *self,
                    TornadisClient *client)
{
  matrix_call_submit_strv (self, client, (const char *[]){ "ECHO", self->serial, NULL });
}

void
matrix_call_submit_pipeline_of (MatrixCall *self,
                                TornadisClient *client,
                                TornadisPipeline *pipeline)
{
  tornadis_client_submit_pipeline (client, pipeline, reply_cb, self, NULL);
  g_assert_false (self->ended);
}

void
matrix_call_submit_pipeline (MatrixCall *self,
                             TornadisClient *client,
                             gboolean atomic,
                             guint n)
{
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();

  tornadis_pipeline_set_atomic (pipeline, atomic);
  for (guint i = 0; i < n; i++)
    tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "ECHO", self->serial, NULL });
  matrix_call_submit_pipeline_of (self, client, pipeline);
}

static void
connect_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_client_connect_finish (TORNADIS_CLIENT (object), result, &error);
  matrix_call_end (user_data, NULL, error);
}

void
matrix_call_connect (MatrixCall *self,
                     TornadisClient *client)
{
  tornadis_client_connect_async (client, NULL, connect_cb, self);
}

static void
pool_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_client_pool_call_finish (TORNADIS_CLIENT_POOL (object), result, &error);

  matrix_call_end (user_data, reply, error);
}

void
matrix_call_pool (MatrixCall *self,
                  TornadisClientPool *pool)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "ECHO", self->serial, NULL });

  tornadis_client_pool_call_async (pool, command, NULL, pool_cb, self);
}

static void
subscribe_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  tornadis_pub_sub_client_subscribe_finish (TORNADIS_PUB_SUB_CLIENT (object), result, &error);
  matrix_call_end (user_data, NULL, error);
}

void
matrix_call_subscribe (MatrixCall *self,
                       TornadisClient *client,
                       const char *channel)
{
  tornadis_pub_sub_client_subscribe_async (TORNADIS_PUB_SUB_CLIENT (client), (const char *[]){ channel, NULL }, NULL,
                                           subscribe_cb, self);
}

void
matrix_call_assert (MatrixCall *self,
                    guint endings,
                    const char *where)
{
  if (!spin_until (&self->ended, PATIENCE_MSEC))
    g_error ("%s: %s has not ended", where, self->serial);
  if ((self->ending & endings) == 0)
    {
      g_autofree char *is = matrix_describe (self->ending);
      g_autofree char *should = matrix_describe (endings);

      g_error ("%s: %s ended with %s (%s), and not with %s", where, self->serial, is, self->text, should);
    }
}

void
matrix_assert_once (MatrixCall *calls,
                    guint n_calls)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  for (guint i = 0; i < n_calls; i++)
    matrix_call_clear (&calls[i]);
}

void
matrix_assert_works (TornadisClient *client,
                     const char *where)
{
  MatrixCall further = { .serial = "further" };

  matrix_call_submit (&further, client);
  matrix_call_assert (&further, MATRIX_VALUE, where);
  matrix_call_clear (&further);
}
