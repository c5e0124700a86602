/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-stream-reader-private.h"

#include "tornadis-glib/client/tornadis-caller.h"
#include "tornadis-glib/data/tornadis-waiters-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

/**
 * TornadisStreamReader:
 *
 * Reads a stream from an id on, and what is added to it as it comes, with `XREAD`.
 *
 * It has a connection of its own, made like those of the client it is given, or one of the pool, which it keeps until it is
 * closed. When that is lost it makes another, as long as that takes, and goes on behind the last entry that it has read: no
 * entry is told twice, and none is left out that the stream still has then.
 *
 * Entries are told by the signal [signal@Tornadis.StreamReader::entry], after [method@Tornadis.StreamReader.start]; or, when no
 * handler is connected, to who asks for them with [method@Tornadis.StreamReader.next_async]. They come in the order of the
 * stream. As many as [property@Tornadis.StreamReader:max-pending] are read ahead and no more: what is not asked for stays on
 * the server.
 *
 * ```c
 * static void
 * entry_cb (TornadisStreamReader *reader, TornadisStreamEntry *entry)
 * {
 *   g_print ("%s: %s\n", tornadis_stream_entry_get_id (entry), tornadis_stream_entry_lookup_text (entry, "what"));
 * }
 *
 * static TornadisStreamReader *
 * follow (TornadisClient *client)
 * {
 *   TornadisStreamReader *reader = tornadis_stream_reader_new (TORNADIS_CALLER (client), "events", "0");
 *
 *   g_signal_connect (reader, "entry", G_CALLBACK (entry_cb), NULL);
 *   tornadis_stream_reader_start (reader);
 *
 *   return reader;
 * }
 * ```
 *
 * A reader belongs to the thread-default main context in which it was made. When the last reference to it is dropped it stops.
 * One reader reads one stream. Its reads block for less than the [property@Tornadis.Client:call-timeout-msec] and the
 * [property@Tornadis.Client:read-timeout] of the client.
 *
 * When a stream is deleted, and made again with ids that are lower than those that were read, as only a program that gives ids
 * itself can do, the reader waits until they are higher again.
 *
 * Since: 1.0
 */

/* So much time of the main loop for telling entries, in microseconds; the rest after others had their turn. */
#define TELLING_BUDGET 4000

typedef struct
{
  TornadisCaller *caller; /* (owned) */
  char *stream;           /* (owned) a GRefString */
  char *start_id;         /* (owned) */
  char *position;         /* (owned) (nullable) of the last entry that was read */
  TornadisStreamEntry *last; /* (owned) (nullable) that was told */
  guint max_pending;
  gboolean started;
  gboolean closed;
  gboolean finding;         /* what was asked for is where the stream ends */
  TornadisStreamLink *link; /* (owned) (nullable) */
  GQueue entries;           /* (owned) (element-type TornadisStreamEntry) to be told */
  GQueue waiting;           /* (owned) (element-type GTask) of next_async() */
  GQueue closing;           /* (owned) (element-type GTask) of close_async() */
  GMainContext *context;    /* (owned) */
  GSource *telling;         /* (owned) (nullable) */
} TornadisStreamReaderPrivate;

G_DEFINE_TYPE_WITH_PRIVATE (TornadisStreamReader, tornadis_stream_reader, G_TYPE_OBJECT)

#define GET_PRIVATE(self) ((TornadisStreamReaderPrivate *) tornadis_stream_reader_get_instance_private (self))
#define HOOKS(self) (TORNADIS_STREAM_READER_GET_CLASS (self)->hooks)

typedef enum
{
  PROP_CALLER = 1,
  PROP_STREAM,
  PROP_START_ID,
  PROP_LAST_ID,
  PROP_MAX_PENDING,
} TornadisStreamReaderProperty;

static GParamSpec *props[PROP_MAX_PENDING + 1];

typedef enum
{
  SIGNAL_ENTRY,
  SIGNAL_INTERRUPTED,
  SIGNAL_FAILED,
  N_SIGNALS,
} TornadisStreamReaderSignal;

static guint signals[N_SIGNALS];

static void reader_tell_soon (TornadisStreamReader *self);

static gboolean
cancelled_cb (GCancellable *cancellable,
              gpointer user_data)
{
  GTask *task = user_data;
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (g_task_get_source_object (task));

  if (g_queue_remove (&priv->waiting, task) || g_queue_remove (&priv->closing, task))
    {
      g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The reader is not waited for any more");
      g_object_unref (task);
    }

  return G_SOURCE_REMOVE;
}

GError *
tornadis_stream_reader_make_closed_error (void)
{
  return g_error_new_literal (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "The reader of the stream is closed");
}

/* Telling. */

static TornadisStreamEntry *
reader_pop (TornadisStreamReader *self)
{
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (self);
  TornadisStreamEntry *entry = g_queue_pop_head (&priv->entries);

  if (entry == NULL)
    return NULL;

  g_clear_pointer (&priv->last, tornadis_stream_entry_unref);
  priv->last = tornadis_stream_entry_ref (entry);
  HOOKS (self)->told (self, entry);

  return entry;
}

static void
reader_answer (TornadisStreamReader *self)
{
  g_autoptr (GTask) task = tornadis_waiters_pop (&GET_PRIVATE (self)->waiting);

  g_task_return_pointer (task, reader_pop (self), (GDestroyNotify) tornadis_stream_entry_unref);
}

static gboolean
reader_has_handler (TornadisStreamReader *self)
{
  return g_signal_has_handler_pending (self, signals[SIGNAL_ENTRY], 0, TRUE);
}

static gboolean
tell_cb (gpointer user_data)
{
  g_autoptr (TornadisStreamReader) self = g_object_ref (user_data);
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (self);
  gint64 end = g_get_monotonic_time () + TELLING_BUDGET;
  gboolean told = FALSE;

  g_clear_pointer (&priv->telling, g_source_unref);
  while (!g_queue_is_empty (&priv->entries))
    {
      if (told && g_get_monotonic_time () > end)
        {
          reader_tell_soon (self);
          break;
        }

      told = TRUE;
      if (reader_has_handler (self))
        {
          g_autoptr (TornadisStreamEntry) entry = reader_pop (self);

          g_signal_emit (self, signals[SIGNAL_ENTRY], 0, entry);
        }
      else if (!g_queue_is_empty (&priv->waiting))
        reader_answer (self);
      else
        break;
    }

  tornadis_stream_reader_go_on (self);

  return G_SOURCE_REMOVE;
}

static void
reader_tell_soon (TornadisStreamReader *self)
{
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (self);

  if (priv->telling != NULL)
    return;

  priv->telling = g_idle_source_new ();
  g_source_set_priority (priv->telling, G_PRIORITY_DEFAULT);
  g_source_set_callback (priv->telling, tell_cb, self, NULL);
  g_source_attach (priv->telling, priv->context);
}

static void
reader_drop_entries (TornadisStreamReader *self)
{
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (self);
  TornadisStreamEntry *entry;

  while ((entry = g_queue_pop_head (&priv->entries)) != NULL)
    {
      HOOKS (self)->dropped (self, entry);
      tornadis_stream_entry_unref (entry);
    }
}

void
tornadis_stream_reader_queue (TornadisStreamReader *self,
                              TornadisStreamEntry *entry)
{
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (self);

  g_queue_push_tail (&priv->entries, entry);
  reader_tell_soon (self);
}

char *
tornadis_stream_reader_get_key (TornadisStreamReader *self)
{
  return GET_PRIVATE (self)->stream;
}

TornadisStreamLink *
tornadis_stream_reader_get_link (TornadisStreamReader *self)
{
  return GET_PRIVATE (self)->link;
}

gboolean
tornadis_stream_reader_has_entries (TornadisStreamReader *self)
{
  return !g_queue_is_empty (&GET_PRIVATE (self)->entries);
}

/* Not for every entry that goes, while there are others to tell: a read of many is dearer by little. */
gboolean
tornadis_stream_reader_has_room (TornadisStreamReader *self,
                                 guint n_pending)
{
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (self);

  return n_pending <= priv->max_pending / 2 || (n_pending < priv->max_pending && g_queue_is_empty (&priv->entries));
}

void
tornadis_stream_reader_tell_interrupted (TornadisStreamReader *self,
                                         const GError *error)
{
  g_signal_emit (self, signals[SIGNAL_INTERRUPTED], 0, error);
}

void
tornadis_stream_reader_fail (TornadisStreamReader *self,
                             const GError *error)
{
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (self);

  priv->started = FALSE;
  g_signal_emit (self, signals[SIGNAL_FAILED], 0, error);
  tornadis_waiters_return (&priv->waiting, error);
}

/* The link. */

static TornadisCommand *
link_next_command_cb (gpointer owner)
{
  return HOOKS (owner)->next_command (owner);
}

static void
link_take_reply_cb (gpointer owner,
                    TornadisReply *reply)
{
  g_autoptr (TornadisStreamReader) self = g_object_ref (owner);

  HOOKS (self)->take_reply (self, reply);
}

static TornadisStreamLinkVerdict
link_take_error_cb (gpointer owner,
                    const GError *error)
{
  g_autoptr (TornadisStreamReader) self = g_object_ref (owner);
  gboolean is_reply = g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY);
  TornadisStreamLinkVerdict verdict = TORNADIS_STREAM_LINK_STOP;

  if (!is_reply)
    HOOKS (self)->lost (self);
  if (tornadis_stream_error_may_pass (error))
    {
      tornadis_stream_reader_tell_interrupted (self, error);
      return TORNADIS_STREAM_LINK_TRY_AGAIN;
    }

  if (is_reply)
    verdict = HOOKS (self)->take_error (self, error);
  if (verdict == TORNADIS_STREAM_LINK_STOP)
    tornadis_stream_reader_fail (self, error);

  return verdict;
}

static const TornadisStreamLinkFuncs link_funcs = { link_next_command_cb, link_take_reply_cb, link_take_error_cb };

void
tornadis_stream_reader_go_on (TornadisStreamReader *self)
{
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (self);

  if (priv->started && priv->link != NULL)
    tornadis_stream_link_go_on (priv->link);
}

void
tornadis_stream_reader_check_closed (TornadisStreamReader *self)
{
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (self);

  if (priv->closed && HOOKS (self)->is_idle (self))
    tornadis_waiters_return (&priv->closing, NULL);
}

/* XREAD. */

static TornadisCommand *
make_find_end (TornadisStreamReader *self)
{
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (self);

  return tornadis_command_new_strv ((const char *[]){ "XREVRANGE", priv->stream, "+", "-", "COUNT", "1", NULL });
}

static TornadisCommand *
reader_next_command (TornadisStreamReader *self)
{
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (self);
  TornadisCommand *command;

  if (!tornadis_stream_reader_has_room (self, priv->entries.length))
    return NULL;

  /* Else what is added between two reads would not be read. */
  priv->finding = priv->position == NULL && g_str_equal (priv->start_id, "$");
  if (priv->finding)
    return make_find_end (self);

  command = tornadis_command_new ("XREAD");
  tornadis_command_append_string (command, "COUNT");
  tornadis_command_append_int64 (command, tornadis_stream_link_get_count (priv->link, priv->max_pending - priv->entries.length));
  tornadis_command_append_string (command, "BLOCK");
  tornadis_command_append_int64 (command, tornadis_stream_link_get_block_msec (priv->link));
  tornadis_command_append_string (command, "STREAMS");
  tornadis_command_append_string (command, priv->stream);
  tornadis_command_append_string (command, priv->position != NULL ? priv->position : priv->start_id);

  return command;
}

static void
reader_take_reply (TornadisStreamReader *self,
                   TornadisReply *reply)
{
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (self);
  TornadisReply *list = priv->finding ? reply : tornadis_stream_reply_get_list (reply);
  gsize n = list != NULL ? tornadis_reply_get_n_elements (list) : 0;
  const char *position = priv->finding && n == 0 ? "0-0" : NULL;

  for (gsize i = 0; i < n; i++)
    {
      TornadisStreamEntry *entry = tornadis_stream_entry_new (priv->stream, tornadis_reply_get_element (list, i));

      if (entry == NULL)
        continue;
      /* Of the reply, which outlives this. */
      position = tornadis_stream_entry_get_id (entry);
      if (priv->finding)
        tornadis_stream_entry_unref (entry);
      else
        tornadis_stream_reader_queue (self, entry);
    }

  if (position != NULL)
    {
      g_free (priv->position);
      priv->position = g_strdup (position);
    }
}

static TornadisStreamLinkVerdict
reader_take_error (TornadisStreamReader *self,
                   const GError *error)
{
  return TORNADIS_STREAM_LINK_STOP;
}

static void
reader_lost (TornadisStreamReader *self)
{
}

static void
reader_told (TornadisStreamReader *self,
             TornadisStreamEntry *entry)
{
}

static void
reader_dropped (TornadisStreamReader *self,
                TornadisStreamEntry *entry)
{
}

static void
reader_closed (TornadisStreamReader *self)
{
}

static gboolean
reader_is_idle (TornadisStreamReader *self)
{
  return TRUE;
}

static const TornadisStreamReaderHooks reader_hooks = {
  .start_id = "$",
  .next_command = reader_next_command,
  .take_reply = reader_take_reply,
  .take_error = reader_take_error,
  .lost = reader_lost,
  .told = reader_told,
  .dropped = reader_dropped,
  .closed = reader_closed,
  .is_idle = reader_is_idle,
};

/**
 * tornadis_stream_reader_new:
 * @caller: a client or a pool
 * @stream: the key of the stream, which need not be there yet
 * @start_id: the id behind which it reads; `0` for all that there is, `$` for what is added from now on
 *
 * Creates a reader. Nothing is sent before it is started.
 *
 * Returns: (transfer full): a new reader
 *
 * Since: 1.0
 */
TornadisStreamReader *
tornadis_stream_reader_new (TornadisCaller *caller,
                            const char *stream,
                            const char *start_id)
{
  g_return_val_if_fail (TORNADIS_IS_CALLER (caller), NULL);
  g_return_val_if_fail (stream != NULL && start_id != NULL, NULL);

  return g_object_new (TORNADIS_TYPE_STREAM_READER, "caller", caller, "stream", stream, "start-id", start_id, NULL);
}

/**
 * tornadis_stream_reader_get_caller: (get-property caller)
 * @self: a reader
 *
 * Gets the client or the pool.
 *
 * Returns: (transfer none): the client or the pool
 *
 * Since: 1.0
 */
TornadisCaller *
tornadis_stream_reader_get_caller (TornadisStreamReader *self)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_READER (self), NULL);

  return GET_PRIVATE (self)->caller;
}

/**
 * tornadis_stream_reader_get_stream: (get-property stream)
 * @self: a reader
 *
 * Gets the key of the stream.
 *
 * Returns: the key
 *
 * Since: 1.0
 */
const char *
tornadis_stream_reader_get_stream (TornadisStreamReader *self)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_READER (self), NULL);

  return GET_PRIVATE (self)->stream;
}

/**
 * tornadis_stream_reader_get_start_id: (get-property start-id)
 * @self: a reader
 *
 * Gets where it begins.
 *
 * Returns: an id, or `$`
 *
 * Since: 1.0
 */
const char *
tornadis_stream_reader_get_start_id (TornadisStreamReader *self)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_READER (self), NULL);

  return GET_PRIVATE (self)->start_id;
}

/**
 * tornadis_stream_reader_get_last_id: (get-property last-id)
 * @self: a reader
 *
 * Gets the id of the last entry that was told, behind which another reader would go on.
 *
 * Returns: (nullable): the id, or %NULL before the first
 *
 * Since: 1.0
 */
const char *
tornadis_stream_reader_get_last_id (TornadisStreamReader *self)
{
  TornadisStreamReaderPrivate *priv;

  g_return_val_if_fail (TORNADIS_IS_STREAM_READER (self), NULL);

  priv = GET_PRIVATE (self);

  return priv->last != NULL ? tornadis_stream_entry_get_id (priv->last) : NULL;
}

/**
 * tornadis_stream_reader_get_max_pending: (get-property max-pending)
 * @self: a reader
 *
 * Gets how many entries may be pending.
 *
 * Returns: the number of entries
 *
 * Since: 1.0
 */
guint
tornadis_stream_reader_get_max_pending (TornadisStreamReader *self)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_READER (self), 0);

  return GET_PRIVATE (self)->max_pending;
}

/**
 * tornadis_stream_reader_set_max_pending: (set-property max-pending)
 * @self: a reader
 * @max_pending: the number of entries, at least 1
 *
 * Sets how many entries may be pending.
 *
 * Since: 1.0
 */
void
tornadis_stream_reader_set_max_pending (TornadisStreamReader *self,
                                        guint max_pending)
{
  TornadisStreamReaderPrivate *priv;

  g_return_if_fail (TORNADIS_IS_STREAM_READER (self));
  g_return_if_fail (max_pending >= 1);

  priv = GET_PRIVATE (self);
  if (priv->max_pending == max_pending)
    return;

  priv->max_pending = max_pending;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_PENDING]);
  tornadis_stream_reader_go_on (self);
}

/**
 * tornadis_stream_reader_is_closed:
 * @self: a reader
 *
 * Gets whether it was closed.
 *
 * Returns: %TRUE after [method@Tornadis.StreamReader.close_async]
 *
 * Since: 1.0
 */
gboolean
tornadis_stream_reader_is_closed (TornadisStreamReader *self)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_READER (self), FALSE);

  return GET_PRIVATE (self)->closed;
}

/**
 * tornadis_stream_reader_start:
 * @self: a reader
 *
 * Begins to read, so that entries come by [signal@Tornadis.StreamReader::entry], whose handlers are connected before. It goes
 * on after [signal@Tornadis.StreamReader::failed] too. Nothing happens when it reads already, or is closed.
 *
 * Since: 1.0
 */
void
tornadis_stream_reader_start (TornadisStreamReader *self)
{
  TornadisStreamReaderPrivate *priv;

  g_return_if_fail (TORNADIS_IS_STREAM_READER (self));

  priv = GET_PRIVATE (self);
  if (priv->closed)
    return;

  priv->started = TRUE;
  if (priv->link == NULL)
    priv->link = tornadis_stream_link_new (priv->caller, &link_funcs, self);
  if (!g_queue_is_empty (&priv->entries))
    reader_tell_soon (self);
  tornadis_stream_reader_go_on (self);
}

/**
 * tornadis_stream_reader_next_async:
 * @self: a reader
 * @cancellable: (nullable): a cancellable, which ends the waiting and not the reading
 * @callback: (scope async) (nullable): called when there is an entry
 * @user_data: passed to @callback
 *
 * Waits for the next entry, and starts the reader. While the server cannot be reached it waits. With a handler of
 * [signal@Tornadis.StreamReader::entry] the entries go there instead.
 *
 * Since: 1.0
 */
void
tornadis_stream_reader_next_async (TornadisStreamReader *self,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  TornadisStreamReaderPrivate *priv;
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_STREAM_READER (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  priv = GET_PRIVATE (self);
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tornadis_stream_reader_next_async);
  if (g_task_return_error_if_cancelled (task))
    return;
  /* An entry that was taken for it is the caller's. */
  g_task_set_check_cancellable (task, FALSE);

  if (priv->closed)
    {
      g_task_return_error (task, tornadis_stream_reader_make_closed_error ());
      return;
    }

  tornadis_waiters_add (&priv->waiting, task, cancelled_cb);
  tornadis_stream_reader_start (self);
}

/**
 * tornadis_stream_reader_next_finish:
 * @self: a reader
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.StreamReader.next_async].
 *
 * Errors are %TORNADIS_ERROR_CLOSED when the reader was closed, and what [signal@Tornadis.StreamReader::failed] tells:
 * %TORNADIS_ERROR_REPLY if the key is no stream or it may not be read, for instance. The next call then tries again.
 *
 * Returns: (transfer full): the entry
 *
 * Since: 1.0
 */
TornadisStreamEntry *
tornadis_stream_reader_next_finish (TornadisStreamReader *self,
                                    GAsyncResult *result,
                                    GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_READER (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tornadis_stream_reader_take_entry:
 * @self: a reader
 *
 * Takes the next entry, if one was read ahead.
 *
 * Returns: (transfer full) (nullable): the entry, or %NULL
 *
 * Since: 1.0
 */
TornadisStreamEntry *
tornadis_stream_reader_take_entry (TornadisStreamReader *self)
{
  TornadisStreamReaderPrivate *priv;
  TornadisStreamEntry *entry;

  g_return_val_if_fail (TORNADIS_IS_STREAM_READER (self), NULL);

  priv = GET_PRIVATE (self);
  /* Those who have waited longer come first. */
  if (!g_queue_is_empty (&priv->waiting))
    return NULL;

  entry = reader_pop (self);
  if (entry != NULL && tornadis_stream_reader_has_room (self, priv->entries.length))
    reader_tell_soon (self);

  return entry;
}

/**
 * tornadis_stream_reader_close_async:
 * @self: a reader
 * @cancellable: (nullable): a cancellable, which ends the waiting
 * @callback: (scope async) (nullable): called when it is closed
 * @user_data: passed to @callback
 *
 * Stops reading, and closes the connection at once. Who waits for an entry gets %TORNADIS_ERROR_CLOSED; what was read ahead is
 * dropped.
 *
 * A [class@Tornadis.StreamConsumer] is closed when each entry that the program has was acknowledged or released, and the
 * server has confirmed that.
 *
 * Since: 1.0
 */
void
tornadis_stream_reader_close_async (TornadisStreamReader *self,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  TornadisStreamReaderPrivate *priv;
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (TORNADIS_IS_STREAM_READER (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  priv = GET_PRIVATE (self);
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tornadis_stream_reader_close_async);
  g_task_set_check_cancellable (task, FALSE);

  priv->closed = TRUE;
  priv->started = FALSE;
  g_clear_pointer (&priv->link, tornadis_stream_link_free);
  reader_drop_entries (self);
  HOOKS (self)->closed (self);
  error = tornadis_stream_reader_make_closed_error ();
  tornadis_waiters_return (&priv->waiting, error);

  tornadis_waiters_add (&priv->closing, task, cancelled_cb);
  tornadis_stream_reader_check_closed (self);
}

/**
 * tornadis_stream_reader_close_finish:
 * @self: a reader
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.StreamReader.close_async]. It fails when it was cancelled, and is closed all the same.
 *
 * Returns: %TRUE if nothing is under way any more
 *
 * Since: 1.0
 */
gboolean
tornadis_stream_reader_close_finish (TornadisStreamReader *self,
                                     GAsyncResult *result,
                                     GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_READER (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
tornadis_stream_reader_get_property (GObject *object,
                                     guint prop_id,
                                     GValue *value,
                                     GParamSpec *pspec)
{
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (TORNADIS_STREAM_READER (object));

  switch ((TornadisStreamReaderProperty) prop_id)
    {
    case PROP_CALLER:
      g_value_set_object (value, priv->caller);
      break;
    case PROP_STREAM:
      g_value_set_string (value, priv->stream);
      break;
    case PROP_START_ID:
      g_value_set_string (value, priv->start_id);
      break;
    case PROP_LAST_ID:
      g_value_set_string (value, tornadis_stream_reader_get_last_id (TORNADIS_STREAM_READER (object)));
      break;
    case PROP_MAX_PENDING:
      g_value_set_uint (value, priv->max_pending);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_stream_reader_set_property (GObject *object,
                                     guint prop_id,
                                     const GValue *value,
                                     GParamSpec *pspec)
{
  TornadisStreamReader *self = TORNADIS_STREAM_READER (object);
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (self);
  const char *text;

  switch ((TornadisStreamReaderProperty) prop_id)
    {
    case PROP_CALLER:
      priv->caller = g_value_dup_object (value);
      break;
    case PROP_STREAM:
      text = g_value_get_string (value);
      priv->stream = g_ref_string_new (text != NULL ? text : "");
      break;
    case PROP_START_ID:
      text = g_value_get_string (value);
      priv->start_id = g_strdup (text != NULL ? text : HOOKS (self)->start_id);
      break;
    case PROP_MAX_PENDING:
      tornadis_stream_reader_set_max_pending (self, g_value_get_uint (value));
      break;
    case PROP_LAST_ID:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_stream_reader_constructed (GObject *object)
{
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (TORNADIS_STREAM_READER (object));

  if (priv->caller == NULL)
    {
      g_critical ("A %s needs a client or a pool", G_OBJECT_TYPE_NAME (object));
      priv->closed = TRUE;
    }

  G_OBJECT_CLASS (tornadis_stream_reader_parent_class)->constructed (object);
}

static void
tornadis_stream_reader_dispose (GObject *object)
{
  TornadisStreamReader *self = TORNADIS_STREAM_READER (object);
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (self);
  g_autoptr (GError) error = tornadis_stream_reader_make_closed_error ();

  priv->closed = TRUE;
  priv->started = FALSE;
  g_clear_pointer (&priv->link, tornadis_stream_link_free);
  if (priv->telling != NULL)
    g_source_destroy (priv->telling);
  g_clear_pointer (&priv->telling, g_source_unref);
  g_queue_clear_full (&priv->entries, (GDestroyNotify) tornadis_stream_entry_unref);
  tornadis_waiters_return (&priv->waiting, error);
  tornadis_waiters_return (&priv->closing, error);

  G_OBJECT_CLASS (tornadis_stream_reader_parent_class)->dispose (object);
}

static void
tornadis_stream_reader_finalize (GObject *object)
{
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (TORNADIS_STREAM_READER (object));

  g_clear_object (&priv->caller);
  g_ref_string_release (priv->stream);
  g_free (priv->start_id);
  g_free (priv->position);
  g_clear_pointer (&priv->last, tornadis_stream_entry_unref);
  g_main_context_unref (priv->context);

  G_OBJECT_CLASS (tornadis_stream_reader_parent_class)->finalize (object);
}

static void
tornadis_stream_reader_class_init (TornadisStreamReaderClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tornadis_stream_reader_get_property;
  object_class->set_property = tornadis_stream_reader_set_property;
  object_class->constructed = tornadis_stream_reader_constructed;
  object_class->dispose = tornadis_stream_reader_dispose;
  object_class->finalize = tornadis_stream_reader_finalize;
  klass->hooks = &reader_hooks;

  /**
   * TornadisStreamReader:caller: (getter get_caller)
   *
   * The client whose like it makes for itself, or the pool of which it takes one.
   *
   * Since: 1.0
   */
  props[PROP_CALLER] =
    g_param_spec_object ("caller", NULL, NULL, TORNADIS_TYPE_CALLER,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisStreamReader:stream: (getter get_stream)
   *
   * The key of the stream.
   *
   * Since: 1.0
   */
  props[PROP_STREAM] =
    g_param_spec_string ("stream", NULL, NULL, "",
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisStreamReader:start-id: (getter get_start_id)
   *
   * The id behind which it reads: `0` for all that there is, `$` for what is added from when it is started. For a
   * [class@Tornadis.StreamConsumer], where a group that it makes begins. %NULL is `$`, and of a consumer `0`.
   *
   * Since: 1.0
   */
  props[PROP_START_ID] =
    g_param_spec_string ("start-id", NULL, NULL, NULL,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisStreamReader:last-id: (getter get_last_id)
   *
   * The id of the last entry that was told. That it changes is not notified.
   *
   * Since: 1.0
   */
  props[PROP_LAST_ID] = g_param_spec_string ("last-id", NULL, NULL, NULL,
                                             G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisStreamReader:max-pending: (getter get_max_pending) (setter set_max_pending)
   *
   * How many entries may be pending: read and not told, and of a [class@Tornadis.StreamConsumer] those that are told and not
   * acknowledged too. With so many it does not read.
   *
   * Since: 1.0
   */
  props[PROP_MAX_PENDING] =
    g_param_spec_uint ("max-pending", NULL, NULL, 1, G_MAXINT32, 1000,
                       G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);

  /**
   * TornadisStreamReader::entry:
   * @self: the reader
   * @entry: the entry
   *
   * Emitted for each entry, in order.
   *
   * Since: 1.0
   */
  signals[SIGNAL_ENTRY] = g_signal_new ("entry", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                        G_TYPE_NONE, 1, TORNADIS_TYPE_STREAM_ENTRY);

  /**
   * TornadisStreamReader::interrupted:
   * @self: the reader
   * @error: why
   *
   * Emitted when something has failed that is tried again by itself, after at most 5 seconds: the connection was lost or
   * cannot be made, or the server is loading, for instance.
   *
   * Since: 1.0
   */
  signals[SIGNAL_INTERRUPTED] = g_signal_new ("interrupted", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                              NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);

  /**
   * TornadisStreamReader::failed:
   * @self: the reader
   * @error: why
   *
   * Emitted when reading has failed with what does not pass by itself, or acknowledging: the key is no stream, or the user may
   * not do that. The reader has stopped, and can be started again.
   *
   * Since: 1.0
   */
  signals[SIGNAL_FAILED] = g_signal_new ("failed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
tornadis_stream_reader_init (TornadisStreamReader *self)
{
  TornadisStreamReaderPrivate *priv = GET_PRIVATE (self);

  priv->context = g_main_context_ref_thread_default ();
  g_queue_init (&priv->entries);
  g_queue_init (&priv->waiting);
  g_queue_init (&priv->closing);
}
