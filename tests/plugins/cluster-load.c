/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "plugins/cluster-load.h"

#include <string.h>

#include "integration/util.h"

/* What is done in turn. */
typedef enum
{
  KIND_SET,
  KIND_GET,
  KIND_INCR,
  KIND_MGET,
  KIND_PIPELINE,
  KIND_ATOMIC,
  N_KINDS,
} Kind;

typedef struct
{
  Load *load; /* (unowned) */
  Kind kind;
  guint i; /* which key */
  guint round;
} LoadCall;

static void load_call (Load *self);

static char *
value_of (guint i)
{
  return g_strdup_printf ("value of %u", i);
}

static char *
key_of (guint i)
{
  return g_strdup_printf ("key %u", i % LOAD_N_KEYS);
}

/* No reply is ever that of another key. */
static void
check_value (TornadisReply *reply,
             guint i)
{
  g_autofree char *value = value_of (i % LOAD_N_KEYS);

  if (tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_NIL)
    return;
  g_assert_false (tornadis_reply_is_error (reply));
  g_assert_cmpstr (tornadis_reply_get_text (reply), ==, value);
}

/* The server's word on one command of a pipeline; whether it is one. */
static gboolean
is_answer (Load *self,
           TornadisReply *reply)
{
  if (!tornadis_reply_is_error (reply))
    return TRUE;

  self->n_refused++;
  return FALSE;
}

static void
count (Load *self,
       guint i,
       gint64 value)
{
  g_assert_cmpint (value, >, 0);
  self->counters[i].n_acknowledged++;
}

static gboolean
take_reply (LoadCall *self,
            TornadisReply *reply)
{
  Load *load = self->load;

  switch (self->kind)
    {
    case KIND_SET:
      g_assert_cmpstr (tornadis_reply_get_text (reply), ==, "OK");
      return TRUE;
    case KIND_GET:
      check_value (reply, self->i);
      return TRUE;
    case KIND_INCR:
      count (load, self->i, tornadis_reply_get_integer (reply));
      return TRUE;
    case KIND_MGET:
      g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, 3);
      for (guint i = 0; i < 3; i++)
        check_value (tornadis_reply_get_element (reply, i), self->i + i);
      return TRUE;
    case KIND_PIPELINE:
      g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, 3);
      if (!is_answer (load, tornadis_reply_get_element (reply, 0)) || !is_answer (load, tornadis_reply_get_element (reply, 1)) ||
          !is_answer (load, tornadis_reply_get_element (reply, 2)))
        {
          load->counters[self->i].n_unclear++;
          return FALSE;
        }
      count (load, self->i, tornadis_reply_get_integer (tornadis_reply_get_element (reply, 0)));
      check_value (tornadis_reply_get_element (reply, 1), self->i + 1);
      check_value (tornadis_reply_get_element (reply, 2), self->i + 2);
      return TRUE;
    case KIND_ATOMIC:
      g_assert_cmpuint (tornadis_reply_get_n_elements (reply), ==, 2);
      count (load, self->i, tornadis_reply_get_integer (tornadis_reply_get_element (reply, 0)));
      count (load, self->i, tornadis_reply_get_integer (tornadis_reply_get_element (reply, 1)));
      g_assert_cmpint (tornadis_reply_get_integer (tornadis_reply_get_element (reply, 1)), ==,
                       tornadis_reply_get_integer (tornadis_reply_get_element (reply, 0)) + 1);
      return TRUE;
    case N_KINDS:
    default:
      g_assert_not_reached ();
    }
}

/* Whether what has failed may have run. */
static gboolean
is_unclear (LoadCall *self,
            const GError *error)
{
  /* Part of a pipeline may have run, whatever has become of the rest. */
  if (self->kind == KIND_PIPELINE)
    return TRUE;

  g_assert_cmpstr (g_quark_to_string (error->domain), ==, g_quark_to_string (TORNADIS_ERROR));
  switch ((TornadisError) error->code)
    {
    case TORNADIS_ERROR_LOST:
    case TORNADIS_ERROR_TIMEOUT:
      return TRUE;
    case TORNADIS_ERROR_CONNECT:
    case TORNADIS_ERROR_CLOSED:
    case TORNADIS_ERROR_REPLY:
      return FALSE;
    case TORNADIS_ERROR_AUTHENTICATION:
    case TORNADIS_ERROR_PROTOCOL:
    case TORNADIS_ERROR_USAGE:
    case TORNADIS_ERROR_BUSY:
    case TORNADIS_ERROR_PLUGIN:
    default:
      g_error ("A call failed: %s", error->message);
    }
}

static void
called_cb (TornadisClient *client,
           TornadisReply *reply,
           GError *error,
           gpointer user_data)
{
  LoadCall *self = user_data;
  Load *load = self->load;
  LoadCounter *counter = &load->counters[self->i];

  load->n_under_way--;
  if (error != NULL)
    {
      g_test_message ("%u %s", self->kind, error->message);
      load->n_errors++;
      load->n_lost += g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_LOST);
      load->n_refused += g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
      if (is_unclear (self, error))
        counter->n_unclear += self->kind == KIND_ATOMIC ? 2 : self->kind == KIND_INCR || self->kind == KIND_PIPELINE;
    }
  else if (take_reply (self, reply) && self->round == load->round)
    {
      counter->n_rounds++;
    }

  /* What fails at once is not to keep the main loop from all else. */
  while (!load->is_stopping && load->n_under_way < LOAD_N_IN_FLIGHT && error == NULL)
    load_call (load);
}

static void
load_call (Load *self)
{
  guint i = (guint) (self->n_calls / N_KINDS % LOAD_N_KEYS);
  Kind kind = (Kind) (self->n_calls % N_KINDS);
  LoadCall *own = g_new (LoadCall, 1);
  g_autofree char *key = key_of (i);
  g_autofree char *second = key_of (i + 1);
  g_autofree char *third = key_of (i + 2);
  g_autofree char *value = value_of (i);
  g_autoptr (TornadisPipeline) pipeline = tornadis_pipeline_new ();
  const char *const incr[] = { "INCR", self->counters[i].key, NULL };
  const char *const set[] = { "SET", key, value, NULL };
  const char *const get[] = { "GET", key, NULL };
  const char *const mget[] = { "MGET", key, second, third, NULL };
  const char *const *const commands[] = { set, get, incr, mget };

  *own = (LoadCall){ self, kind, i, self->round };
  self->n_calls++;
  self->n_under_way++;
  if (kind < KIND_PIPELINE)
    {
      g_autoptr (TornadisCommand) command = tornadis_command_new_strv (commands[kind]);

      tornadis_client_submit (self->client, command, called_cb, own, g_free);
      return;
    }

  tornadis_pipeline_stack_strv (pipeline, incr);
  if (kind == KIND_ATOMIC)
    {
      tornadis_pipeline_set_atomic (pipeline, TRUE);
      tornadis_pipeline_stack_strv (pipeline, incr);
    }
  else
    {
      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", second, NULL });
      tornadis_pipeline_stack_strv (pipeline, (const char *[]){ "GET", third, NULL });
    }
  tornadis_client_submit_pipeline (self->client, pipeline, called_cb, own, g_free);
}

static void
load_fill (Load *self)
{
  while (!self->is_stopping && self->n_under_way < LOAD_N_IN_FLIGHT)
    load_call (self);
}

Load *
load_start (TornadisClient *client)
{
  Load *self = g_new0 (Load, 1);

  self->client = client;
  for (guint i = 0; i < LOAD_N_KEYS; i++)
    self->counters[i].key = g_strdup_printf ("counter %u", i);
  load_fill (self);

  return self;
}

typedef struct
{
  TornadisHarnessCluster *cluster;
  LoadEvent event;
  gint is_over; /* atomic */
} Happening;

static gpointer
happen (gpointer data)
{
  Happening *self = data;
  g_autoptr (GError) error = NULL;
  gboolean done = self->event (self->cluster, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_atomic_int_set (&self->is_over, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

void
load_during (Load *self,
             TornadisHarnessCluster *cluster,
             LoadEvent event)
{
  Happening happening = { cluster, event };
  GThread *thread = g_thread_new ("cluster-load", happen, &happening);

  while (!g_atomic_int_get (&happening.is_over))
    {
      load_fill (self);
      spin_for (1);
    }
  g_thread_join (thread);
}

static gboolean
all_are_answered (Load *self)
{
  load_fill (self);
  for (guint i = 0; i < LOAD_N_KEYS; i++)
    if (self->counters[i].n_rounds == 0)
      return FALSE;

  return TRUE;
}

void
load_wait_for_all (Load *self)
{
  self->round++;
  for (guint i = 0; i < LOAD_N_KEYS; i++)
    self->counters[i].n_rounds = 0;
  wait_until (all_are_answered (self));
}

void
load_stop (Load *self)
{
  self->is_stopping = TRUE;
  wait_until (self->n_under_way == 0);
}

guint64
load_count_missing (Load *self)
{
  guint64 n_missing = 0;

  for (guint i = 0; i < LOAD_N_KEYS; i++)
    {
      const LoadCounter *counter = &self->counters[i];
      g_autoptr (GError) error = NULL;
      g_autoptr (TornadisReply) reply = call (self->client, &error, "GET", counter->key, NULL);
      guint64 known;

      g_assert_no_error (error);
      known = tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_NIL ? 0
                                                                         : g_ascii_strtoull (tornadis_reply_get_text (reply), NULL, 10);
      g_assert_cmpuint (known, <=, counter->n_acknowledged + counter->n_unclear);
      n_missing += known < counter->n_acknowledged ? counter->n_acknowledged - known : 0;
    }

  return n_missing;
}

void
load_free (Load *self)
{
  for (guint i = 0; i < LOAD_N_KEYS; i++)
    g_free (self->counters[i].key);
  g_free (self);
}
