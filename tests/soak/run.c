/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/run.h"

#include <stdlib.h>
#include <string.h>

#include "soak/job.h"

#define N_CLIENTS 4
#define N_WORKERS 16
#define N_FEW_WORKERS 2
#define POOL_SIZE 3
/* How often is looked at what there is to do besides, in milliseconds. */
#define TICK 5
/* Nothing takes so long on the slowest machine. */
#define PATIENCE 60
/* At most so many operations lie between two things that are done to a client. */
#define MAX_CALM 150

gboolean
run_take (Run *self)
{
  if (self->n_left == 0)
    return FALSE;

  self->n_left--;
  return TRUE;
}

guint
run_random (Run *self,
            guint n)
{
  return (guint) g_rand_int_range (self->rand, 0, (gint32) n);
}

TornadisClient *
run_get_client (Run *self,
                guint place)
{
  return g_ptr_array_index (self->clients, place % self->clients->len);
}

TornadisClient *
run_pick_client (Run *self)
{
  return run_get_client (self, run_random (self, self->clients->len));
}

TornadisCaller *
run_pick_caller (Run *self)
{
  return self->pool != NULL && run_random (self, 3) == 0 ? TORNADIS_CALLER (self->pool) : TORNADIS_CALLER (run_pick_client (self));
}

static void
finalized_cb (gpointer user_data,
              GObject *object)
{
  ((Run *) user_data)->n_alive--;
}

gpointer
run_track (Run *self,
           gpointer object)
{
  /* A pool gives the same client many times. */
  if (g_object_get_data (object, "soak-tracked") == NULL)
    {
      g_object_set_data (object, "soak-tracked", self);
      g_object_weak_ref (object, finalized_cb, self);
      self->n_alive++;
    }

  return object;
}

void
run_fail (Run *self,
          const char *format,
          ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);

  g_printerr ("%s: %s\n", self->title, text);
  abort ();
}

static Fate
run_take_reply_error (Run *self,
                      const GError *error)
{
  /* The server loads its data, is no master any more, or a slot is on its way. */
  static const char *const prefixes[] = { "LOADING", "READONLY", "MASTERDOWN", "UNBLOCKED", "EXECABORT", "CLUSTERDOWN", "TRYAGAIN" };
  g_autofree char *prefix = tornadis_error_dup_prefix (error);

  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (g_strcmp0 (prefix, prefixes[i]) == 0)
      {
        tally_count (self->tally, prefixes[i]);
        return FATE_NEVER;
      }

  run_fail (self, "A server's error that should not come: %s", error->message);
}

Fate
run_take_error (Run *self,
                const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      tally_count (self->tally, "cancelled");
      return FATE_UNCLEAR;
    }
  if (error->domain != TORNADIS_ERROR)
    run_fail (self, "An error that should not come: %s", error->message);

  switch ((TornadisError) error->code)
    {
    case TORNADIS_ERROR_LOST:
      tally_count (self->tally, "lost");
      return FATE_UNCLEAR;
    case TORNADIS_ERROR_TIMEOUT:
      tally_count (self->tally, "timeout");
      return FATE_UNCLEAR;
    case TORNADIS_ERROR_CONNECT:
      tally_count (self->tally, "connect");
      return FATE_NEVER;
    case TORNADIS_ERROR_CLOSED:
      tally_count (self->tally, "closed");
      return FATE_NEVER;
    case TORNADIS_ERROR_BUSY:
      if (self->kind->plugins != NULL)
        {
          tally_count (self->tally, "busy");
          return FATE_NEVER;
        }
      break;
    case TORNADIS_ERROR_REPLY:
      return run_take_reply_error (self, error);
    case TORNADIS_ERROR_PLUGIN:
      /* Of key-prefix, whose COMMAND was lost or took too long. */
      if (self->kind->plugins != NULL && strstr (error->message, "does not say where keys are") != NULL)
        {
          tally_count (self->tally, "no-command");
          return FATE_NEVER;
        }
      break;
    case TORNADIS_ERROR_PROTOCOL:
    case TORNADIS_ERROR_AUTHENTICATION:
    case TORNADIS_ERROR_USAGE:
    default:
      break;
    }

  run_fail (self, "An error that should not come: %s", error->message);
}

/* Those of one server are shared by all clients. */
static GPtrArray *
run_make_plugins (Run *self)
{
  GPtrArray *plugins = g_ptr_array_new_with_free_func (g_object_unref);

  if (self->site->server == NULL || self->kind->plugins == NULL)
    return plugins;

  for (guint i = 0; self->kind->plugins[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (self->kind->plugins[i], ":", 2);
      g_auto (GStrv) options = g_strsplit (words[1] != NULL ? words[1] : "", ",", -1);
      g_autoptr (GError) error = NULL;
      TornadisPlugin *plugin = tornadis_plugin_new_with_options (words[0], (const char *const *) options, &error);

      if (plugin == NULL)
        run_fail (self, "%s", error->message);
      g_ptr_array_add (plugins, plugin);
    }

  return plugins;
}

static TornadisClient *
run_make_client (Run *self,
                 GPtrArray *plugins)
{
  TornadisClient *client = run_track (self, site_make_client (self->site, self->rand, self->kind->plugins));
  GListModel *list = tornadis_client_get_plugins (client);

  /* What RESP2 says of changes comes over another connection, and so a moment later. */
  if (self->kind->has_cache)
    g_object_set (client, "protocol", TORNADIS_PROTOCOL_AUTO, NULL);
  for (guint i = 0; i < plugins->len; i++)
    {
      g_autoptr (GError) error = NULL;

      if (!tornadis_client_add_plugin (client, plugins->pdata[i], &error))
        run_fail (self, "%s", error->message);
    }
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (GObject) plugin = g_list_model_get_item (list, i);

      run_track (self, plugin);
    }

  return client;
}

static void
run_make_clients (Run *self)
{
  g_autoptr (GPtrArray) plugins = run_make_plugins (self);

  self->clients = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < N_CLIENTS; i++)
    g_ptr_array_add (self->clients, run_make_client (self, plugins));
  if (self->kind->has_pool)
    {
      g_autoptr (TornadisClient) template_client = run_make_client (self, plugins);

      self->pool = run_track (self, tornadis_client_pool_new (template_client));
      g_object_set (self->pool, "max-size", POOL_SIZE, NULL);
    }
  self->script = run_track (self, tornadis_script_new ("return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))", 1));
}

/* What a program does to its clients at any time. */
static void
run_disturb (Run *self)
{
  TornadisClient *client = run_pick_client (self);

  switch (run_random (self, 3))
    {
    case 0:
      tally_count (self->events, "close");
      tornadis_client_close (client);
      break;
    case 1:
      /* A handshake takes longer. */
      g_object_set (client, "call-timeout-msec", run_random (self, 2) * (self->site->database != NULL ? 2000 : 20), NULL);
      break;
    default:
      g_object_set (client, "aggressive-write", run_random (self, 2), NULL);
      break;
    }
}

static gboolean
tick_cb (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static gint64
get_patience (void)
{
  const char *slow = g_getenv ("TORNADIS_TEST_SLOW");

  return g_get_monotonic_time () + PATIENCE * G_TIME_SPAN_SECOND * (slow != NULL ? MAX (1, atoi (slow)) : 1);
}

/* Goes on until @is_over; something has to end all the time. */
static void
run_until (Run *self,
           gboolean (*is_over) (Run *self),
           const char *what)
{
  gint64 patience = get_patience ();
  guint64 n_done = self->n_done;

  while (!is_over (self))
    {
      g_main_context_iteration (NULL, TRUE);
      if (self->n_done != n_done)
        {
          n_done = self->n_done;
          patience = get_patience ();
        }
      else if (g_get_monotonic_time () > patience)
        run_fail (self, "Waited in vain until %s; %u calls have not ended, %u operations not begun, %u objects are alive", what, self->n_pending,
                  self->n_left, self->n_alive);
    }
}

static void
run_check_keys (Run *self)
{
  HistoryKey *key;

  while ((key = history_take_retired (self->history)) != NULL)
    job_check_key (self, key);
}

static gboolean
all_is_done (Run *self)
{
  run_check_keys (self);
  if (self->n_workers == 0 && self->n_left == 0)
    return chaos_end (self->chaos);

  chaos_tick (self->chaos, self->n_done);
  if (self->n_done >= self->next_disturbance)
    {
      run_disturb (self);
      self->next_disturbance = self->n_done + run_random (self, MAX_CALM);
    }

  return FALSE;
}

static gboolean
all_is_checked (Run *self)
{
  gboolean is_over = TRUE;

  run_check_keys (self);
  for (guint i = 0; i < MAX_PARTICIPANTS; i++)
    if (self->participants[i] != NULL && !self->kind->participants[i]->end (self->participants[i]))
      is_over = FALSE;

  return is_over && history_get_n_keys (self->history) == 0 && self->n_pending == 0;
}

static gboolean
all_is_finalized (Run *self)
{
  return self->n_alive == 0;
}

/* The number of the next source. */
static guint
get_source_id (void)
{
  guint id = g_idle_add (tick_cb, NULL);

  g_source_remove (id);

  return id;
}

static guint
count_files (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;

  return n;
}

/* (nullable) (transfer full): what there was not before, but for the source of the ticks. */
static char *
run_find_left (Run *self)
{
  guint end = get_source_id (), n_files = count_files ();

  for (guint id = self->first_source; id < end; id++)
    {
      GSource *source = g_main_context_find_source_by_id (NULL, id);

      if (source != NULL)
        return g_strdup_printf ("A source is left: %s", g_source_get_name (source));
    }

  return n_files != self->n_files ? g_strdup_printf ("%u files were open, and %u are", self->n_files, n_files) : NULL;
}

static gboolean
nothing_is_left (Run *self)
{
  g_autofree char *left = run_find_left (self);

  return left == NULL;
}

static void
run_check_left (Run *self)
{
  g_autofree char *left = run_find_left (self);

  if (left != NULL)
    run_fail (self, "%s", left);
}

static void
run_begin (Run *self)
{
  run_make_clients (self);
  for (guint i = 0; i < MAX_PARTICIPANTS; i++)
    if (self->kind->participants[i] != NULL)
      self->participants[i] = self->kind->participants[i]->begin (self);
  for (guint i = 0; i < (self->kind->has_few_workers ? N_FEW_WORKERS : N_WORKERS); i++)
    worker_begin (self, i);
}

static void
run_drop (Run *self)
{
  for (guint i = 0; i < MAX_PARTICIPANTS; i++)
    if (self->participants[i] != NULL)
      self->kind->participants[i]->free (self->participants[i]);
  g_clear_object (&self->script);
  g_clear_object (&self->pool);
  g_clear_pointer (&self->clients, g_ptr_array_unref);
}

void
run_round (const Kind *kind,
           Site *site,
           guint64 seed,
           guint round,
           guint n_operations,
           gboolean is_first,
           Tally *tally,
           Tally *events)
{
  const guint32 seeds[] = { (guint32) seed, (guint32) (seed >> 32), g_str_hash (kind->name), round };
  Run self = { kind, site, tally, events };
  guint tick;

  tick = g_timeout_add (TICK, tick_cb, NULL);
  self.n_files = count_files ();
  self.first_source = get_source_id ();
  self.rand = g_rand_new_with_seed_array (seeds, G_N_ELEMENTS (seeds));
  self.title = g_strdup_printf ("seed %" G_GUINT64_FORMAT ", %s, round %u", seed, kind->name, round);
  self.prefix = g_strdup_printf ("%s%u", kind->name, round);
  self.history = history_new (self.prefix);
  self.n_left = n_operations;
  site_clean (site);
  self.chaos = chaos_new (site, g_rand_int (self.rand), events);
  run_begin (&self);
  run_until (&self, all_is_done, "all operations have ended");
  history_retire_all (self.history);
  run_until (&self, all_is_checked, "all keys are checked");
  run_drop (&self);
  run_until (&self, all_is_finalized, "all objects are finalized");
  /* A handshake that nobody waits for any more ends in a thread of its own, a moment later. */
  if (!is_first && site->type == SITE_TLS)
    run_until (&self, nothing_is_left, "no source and no file is left");
  g_source_remove (tick);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  if (!is_first)
    run_check_left (&self);

  chaos_free (self.chaos);
  history_free (self.history);
  g_rand_free (self.rand);
  g_free (self.prefix);
  g_free (self.title);
}
