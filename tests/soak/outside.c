/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/outside.h"

/* A client without a cache sets keys to larger and larger numbers. Each of those who have them in their cache then says PING, and
 * with the reply has what the server said before: that the key has changed. From then on they see the last number. */

#define N_KEYS 4
/* How often each of the clients reads it, of which the first may fetch it and the others find it in the cache. */
#define N_READS 3
/* Milliseconds. */
#define MAX_WAIT 5

typedef struct _Outside Outside;

typedef struct
{
  Outside *outside; /* (unowned) */
  char *name;       /* (owned) */
  guint number;     /* the last that was written */
  guint n_pings;    /* since */
  guint n_reads;    /* since */
  gboolean is_busy;
} Key;

struct _Outside
{
  Run *run;               /* (unowned) */
  TornadisClient *client; /* (owned) */
  Key keys[N_KEYS];
};

static void key_write (Key *self);
static void key_ping (Key *self);
static void key_read (Key *self);

static gboolean
write_again_cb (gpointer user_data)
{
  key_write (user_data);

  return G_SOURCE_REMOVE;
}

static gboolean
ping_again_cb (gpointer user_data)
{
  key_ping (user_data);

  return G_SOURCE_REMOVE;
}

static gboolean
read_again_cb (gpointer user_data)
{
  key_read (user_data);

  return G_SOURCE_REMOVE;
}

static void
key_go_on (Key *self)
{
  self->is_busy = self->outside->run->n_left > 0;
  if (!self->is_busy)
    return;

  self->number++;
  key_write (self);
}

/* (nullable): the reply to a call; without one @again makes it again. */
static TornadisReply *
key_take_reply (Key *self,
                GObject *client,
                GAsyncResult *result,
                GSourceFunc again)
{
  Run *run = self->outside->run;
  g_autoptr (GError) error = NULL;
  TornadisReply *reply = tornadis_client_call_finish (TORNADIS_CLIENT (client), result, &error);

  run->n_pending--;
  if (reply != NULL)
    {
      run->n_done++;
      return reply;
    }

  run_take_error (run, error);
  g_timeout_add (1 + run_random (run, MAX_WAIT), again, self);
  return NULL;
}

static void
read_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  Key *self = user_data;
  Run *run = self->outside->run;
  g_autoptr (TornadisReply) reply = key_take_reply (self, object, result, read_again_cb);
  const char *text = reply != NULL ? tornadis_reply_get_text (reply) : NULL;

  if (reply == NULL)
    return;

  if (text == NULL || g_ascii_strtoull (text, NULL, 10) != self->number)
    run_fail (run, "Client %u still sees %s in %s, where %u was written", self->n_reads % run->clients->len, text, self->name, self->number);
  self->n_reads++;
  if (self->n_reads < N_READS * run->clients->len)
    key_read (self);
  else
    key_go_on (self);
}

static void
key_read (Key *self)
{
  Run *run = self->outside->run;
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "GET", self->name, NULL });

  run->n_pending++;
  tornadis_client_call_async (run_get_client (run, self->n_reads), command, NULL, read_cb, self);
}

static void
pinged_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Key *self = user_data;
  g_autoptr (TornadisReply) reply = key_take_reply (self, object, result, ping_again_cb);

  if (reply == NULL)
    return;

  self->n_pings++;
  if (self->n_pings < self->outside->run->clients->len)
    key_ping (self);
  else
    key_read (self);
}

static void
key_ping (Key *self)
{
  Run *run = self->outside->run;
  g_autoptr (TornadisCommand) command = tornadis_command_new ("PING");

  run->n_pending++;
  tornadis_client_call_async (run_get_client (run, self->n_pings), command, NULL, pinged_cb, self);
}

static void
written_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  Key *self = user_data;
  g_autoptr (TornadisReply) reply = key_take_reply (self, object, result, write_again_cb);

  if (reply == NULL)
    return;

  tally_count (self->outside->run->tally, "written-outside");
  self->n_pings = self->n_reads = 0;
  key_ping (self);
}

static void
key_write (Key *self)
{
  g_autofree char *number = g_strdup_printf ("%u", self->number);
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "SET", self->name, number, NULL });

  self->outside->run->n_pending++;
  tornadis_client_call_async (self->outside->client, command, NULL, written_cb, self);
}

static gpointer
outside_begin (Run *run)
{
  Outside *self = g_new0 (Outside, 1);

  self->run = run;
  self->client = run_track (run, site_make_client (run->site, run->rand, NULL));
  for (guint i = 0; i < N_KEYS; i++)
    {
      self->keys[i] = (Key){ self, g_strdup_printf ("%s:outside%u", run->prefix, i) };
      key_go_on (&self->keys[i]);
    }

  return self;
}

static gboolean
outside_end (gpointer data)
{
  Outside *self = data;

  for (guint i = 0; i < N_KEYS; i++)
    if (self->keys[i].is_busy)
      return FALSE;

  return TRUE;
}

static void
outside_free (gpointer data)
{
  Outside *self = data;

  g_object_unref (self->client);
  for (guint i = 0; i < N_KEYS; i++)
    g_free (self->keys[i].name);
  g_free (self);
}

const Participant outside_participant = { outside_begin, outside_end, outside_free };
