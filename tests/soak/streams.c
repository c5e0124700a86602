/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "soak/streams.h"

#include <stdio.h>
#include <string.h>

#include "soak/value.h"

/* A reader has each entry that was added once, in the order of the stream, and a group of consumers has each at least once, until
 * it has acknowledged it. What was not acknowledged to him who added it may be there or not. */

#define GROUP "group"
#define N_WRITERS 2
#define N_CONSUMERS 2
#define MAX_PADDING 100
/* Milliseconds. */
#define MAX_WAIT 10
#define CLAIM_IDLE 100
/* One of so many entries is not acknowledged the first time. */
#define RELEASED 8

typedef struct
{
  gboolean is_added; /* that was acknowledged */
  gboolean is_read;
  gboolean is_consumed;
} Entry;

typedef struct _Streams Streams;

typedef struct
{
  Streams *streams; /* (unowned) */
  guint number;
  GArray *entries; /* (owned) (element-type Entry) */
  gboolean is_writing;
} Writer;

struct _Streams
{
  Run *run;  /* (unowned) */
  char *key; /* (owned) */
  Writer writers[N_WRITERS];
  TornadisStreamReader *reader;                   /* (owned) */
  guint64 last_id[2];                             /* that it has read */
  TornadisStreamConsumer *consumers[N_CONSUMERS]; /* (owned) */
  gboolean is_asking;                             /* whether the group has acknowledged all */
  gboolean is_clean;                              /* it has */
  guint n_open;                                   /* readers and consumers that are not closed */
  gboolean is_closing;
};

static void writer_go_on (Writer *self);
static void streams_read (Streams *self);

static gboolean
write_again_cb (gpointer user_data)
{
  writer_go_on (user_data);

  return G_SOURCE_REMOVE;
}

static void
added_cb (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  Writer *self = user_data;
  Run *run = self->streams->run;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_caller_call_finish (TORNADIS_CALLER (object), result, &error);

  run->n_pending--;
  run->n_done++;
  if (error != NULL)
    {
      run_take_error (run, error);
      g_timeout_add (1 + run_random (run, MAX_WAIT), write_again_cb, self);
      return;
    }

  if (tornadis_reply_get_kind (reply) != TORNADIS_REPLY_KIND_STRING)
    run_fail (run, "XADD has another reply than an id");
  g_array_index (self->entries, Entry, self->entries->len - 1).is_added = TRUE;
  writer_go_on (self);
}

static void
writer_go_on (Writer *self)
{
  Streams *streams = self->streams;
  Run *run = streams->run;
  const Entry entry = { FALSE };
  g_autofree char *name = g_strdup_printf ("s%u.%u", self->number, self->entries->len);
  g_autofree char *value = value_make (streams->key, name, run_random (run, MAX_PADDING));
  g_autoptr (TornadisCommand) command = tornadis_command_new_strv ((const char *[]){ "XADD", streams->key, "*", "value", value, NULL });

  self->is_writing = run_take (run);
  if (!self->is_writing)
    return;

  g_array_append_val (self->entries, entry);
  tally_count (run->tally, "entries");
  run->n_pending++;
  tornadis_caller_call_async (run_pick_caller (run), command, NULL, added_cb, self);
}

static Entry *
streams_find_entry (Streams *self,
                    TornadisStreamEntry *entry)
{
  const char *text = tornadis_stream_entry_lookup_text (entry, "value");
  g_autofree char *name = text != NULL ? value_parse (self->key, text, strlen (text)) : NULL;
  guint writer = G_MAXUINT, number = G_MAXUINT;

  if (name != NULL)
    sscanf (name, "s%u.%u", &writer, &number);
  if (writer >= N_WRITERS || number >= self->writers[writer].entries->len)
    run_fail (self->run, "Entry %s of %s is: %s", tornadis_stream_entry_get_id (entry), self->key, text);

  return &g_array_index (self->writers[writer].entries, Entry, number);
}

static void
read_cb (GObject *object,
         GAsyncResult *result,
         gpointer user_data)
{
  Streams *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (TornadisStreamEntry) entry = tornadis_stream_reader_next_finish (self->reader, result, &error);
  guint64 id[2] = { 0, 0 };
  Entry *found;

  if (entry == NULL && self->is_closing)
    return;
  if (entry == NULL)
    run_fail (self->run, "Reading %s has failed: %s", self->key, error->message);

  sscanf (tornadis_stream_entry_get_id (entry), "%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT, &id[0], &id[1]);
  if (id[0] < self->last_id[0] || (id[0] == self->last_id[0] && id[1] <= self->last_id[1]))
    run_fail (self->run, "Entry %s of %s was read after a later one", tornadis_stream_entry_get_id (entry), self->key);
  memcpy (self->last_id, id, sizeof id);

  found = streams_find_entry (self, entry);
  if (found->is_read)
    run_fail (self->run, "Entry %s of %s is there twice", tornadis_stream_entry_get_id (entry), self->key);
  found->is_read = TRUE;
  tally_count (self->run->tally, "read");
  self->run->n_done++;
  streams_read (self);
}

static void
streams_read (Streams *self)
{
  tornadis_stream_reader_next_async (self->reader, NULL, read_cb, self);
}

static void
consume_cb (Streams *self,
            TornadisStreamEntry *entry,
            TornadisStreamConsumer *consumer)
{
  Entry *found = streams_find_entry (self, entry);

  tally_count (self->run->tally, "consumed");
  /* What comes twice is no progress. */
  self->run->n_done += !found->is_consumed;
  found->is_consumed = TRUE;
  if (run_random (self->run, RELEASED) > 0)
    tornadis_stream_consumer_ack (consumer, entry);
  else
    tornadis_stream_consumer_release (consumer, entry);
}

static void G_GNUC_NORETURN
failed_cb (Streams *self,
           const GError *error)
{
  run_fail (self->run, "The stream %s has failed: %s", self->key, error->message);
}

static gpointer
streams_begin (Run *run)
{
  Streams *self = g_new0 (Streams, 1);

  self->run = run;
  self->key = g_strdup_printf ("%s:{%u}:stream", run->prefix, run_random (run, N_PLACES));
  for (guint i = 0; i < N_WRITERS; i++)
    {
      self->writers[i] = (Writer){ self, i, g_array_new (FALSE, FALSE, sizeof (Entry)), FALSE };
      writer_go_on (&self->writers[i]);
    }

  self->reader = run_track (run, tornadis_stream_reader_new (run_pick_caller (run), self->key, "0"));
  g_signal_connect_swapped (self->reader, "failed", G_CALLBACK (failed_cb), self);
  self->n_open = 1 + N_CONSUMERS;
  streams_read (self);
  for (guint i = 0; i < N_CONSUMERS; i++)
    {
      g_autofree char *name = g_strdup_printf ("consumer-%u", i);

      self->consumers[i] =
        run_track (run, tornadis_stream_consumer_new (TORNADIS_CALLER (run_pick_client (run)), self->key, GROUP, name));
      tornadis_stream_consumer_set_claim_idle_msec (self->consumers[i], CLAIM_IDLE);
      g_signal_connect_swapped (self->consumers[i], "entry", G_CALLBACK (consume_cb), self);
      g_signal_connect_swapped (self->consumers[i], "failed", G_CALLBACK (failed_cb), self);
      tornadis_stream_reader_start (TORNADIS_STREAM_READER (self->consumers[i]));
    }

  return self;
}

static gboolean
all_are_told (Streams *self)
{
  for (guint i = 0; i < N_WRITERS; i++)
    {
      if (self->writers[i].is_writing)
        return FALSE;
      for (guint k = 0; k < self->writers[i].entries->len; k++)
        {
          const Entry *entry = &g_array_index (self->writers[i].entries, Entry, k);

          if (entry->is_added && (!entry->is_read || !entry->is_consumed))
            return FALSE;
        }
    }

  return TRUE;
}

static gboolean
ask_again_cb (gpointer user_data)
{
  ((Streams *) user_data)->is_asking = FALSE;

  return G_SOURCE_REMOVE;
}

static void
pending_cb (TornadisClient *client,
            TornadisReply *reply,
            GError *error,
            gpointer user_data)
{
  Streams *self = user_data;

  self->is_clean = reply != NULL && tornadis_reply_get_n_elements (reply) > 0 &&
                   tornadis_reply_get_integer (tornadis_reply_get_element (reply, 0)) == 0;
  g_timeout_add (MAX_WAIT, ask_again_cb, self);
}

static void
closed_cb (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  Streams *self = user_data;
  g_autoptr (GError) error = NULL;

  if (!tornadis_stream_reader_close_finish (TORNADIS_STREAM_READER (object), result, &error))
    run_fail (self->run, "Closing a reader of %s has failed: %s", self->key, error->message);
  self->n_open--;
  self->run->n_done++;
}

/* At the end all is read, and the group has acknowledged all. */
static gboolean
streams_end (gpointer data)
{
  Streams *self = data;
  g_autoptr (TornadisCommand) command = NULL;

  if (self->is_closing)
    return self->n_open == 0 && !self->is_asking;
  if (!all_are_told (self) || self->is_asking)
    return FALSE;

  if (!self->is_clean)
    {
      command = tornadis_command_new_strv ((const char *[]){ "XPENDING", self->key, GROUP, NULL });
      self->is_asking = TRUE;
      tornadis_client_submit (run_pick_client (self->run), command, pending_cb, self, NULL);
      return FALSE;
    }

  self->is_closing = TRUE;
  tornadis_stream_reader_close_async (self->reader, NULL, closed_cb, self);
  for (guint i = 0; i < N_CONSUMERS; i++)
    tornadis_stream_reader_close_async (TORNADIS_STREAM_READER (self->consumers[i]), NULL, closed_cb, self);

  return FALSE;
}

static void
streams_free (gpointer data)
{
  Streams *self = data;

  g_object_unref (self->reader);
  for (guint i = 0; i < N_CONSUMERS; i++)
    g_object_unref (self->consumers[i]);
  for (guint i = 0; i < N_WRITERS; i++)
    g_array_unref (self->writers[i].entries);
  g_free (self->key);
  g_free (self);
}

const Participant streams_participant = { streams_begin, streams_end, streams_free };
