/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-scanner.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-caller.h"
#include "tornadis-glib/data/tornadis-scanner-private.h"
#include "tornadis-glib/tornadis-error.h"
#include "tornadis-glib/values/tornadis-command.h"
#include "tornadis-glib/values/tornadis-reply.h"

/**
 * TornadisScanner:
 *
 * Goes through the keys of a database, or through the elements of a hash, a set or a sorted set, without holding up the server.
 *
 * It asks with `SCAN`, `HSCAN`, `SSCAN` or `ZSCAN` for one page after another, and gives what is in it as a batch:
 *
 * ```c
 * static void
 * next_cb (GObject *object, GAsyncResult *result, gpointer user_data)
 * {
 *   TornadisScanner *scanner = TORNADIS_SCANNER (object);
 *   g_autoptr (GError) error = NULL;
 *   g_autoptr (TornadisReply) batch = tornadis_scanner_next_finish (scanner, result, &error);
 *
 *   if (batch == NULL)
 *     return;
 *   for (gsize i = 0; i < tornadis_reply_get_n_elements (batch); i++)
 *     g_print ("%s\n", tornadis_reply_get_text (tornadis_reply_get_element (batch, i)));
 *   tornadis_scanner_next_async (scanner, NULL, next_cb, NULL);
 * }
 *
 * static void
 * list_users (TornadisClient *client)
 * {
 *   g_autoptr (TornadisScanner) scanner = g_object_new (TORNADIS_TYPE_SCANNER, "caller", client, "pattern", "user:*", NULL);
 *
 *   tornadis_scanner_next_async (scanner, NULL, next_cb, NULL);
 * }
 * ```
 *
 * What is there from the first batch to the end is given at least once. What comes or goes meanwhile may be given or not; and
 * some elements are given twice, as when the server resizes its table, unless [property@Tornadis.Scanner:unique] is set.
 *
 * In a cluster it goes through all masters. Keys of a slot that moves meanwhile may be left out, but not where the servers have
 * `CLUSTERSCAN`, since Valkey 9.1. A replica that takes the place of a master there is gone through from its beginning. Elsewhere
 * a server that was restarted, or a replica that took its place, has its keys in another order: a scan that goes on there may
 * leave out some.
 *
 * A scanner goes through once, one batch at a time. An error does not end it: what follows is the batch that has failed. From the
 * second batch on the server is asked for one page ahead; that call is cancelled when the scanner is closed or let go of, which
 * may be at any time.
 *
 * Since: 1.0
 */

/* How many elements the server looks at for a page: so many at first, and then as many as it does in that time. Keys have no
 * values, which may be long: any server does the first number at once. */
#define FIRST_COUNT 100
#define FIRST_COUNT_OF_KEYS 1000
#define MIN_COUNT 10
#define MIN_COUNT_OF_KEYS FIRST_COUNT_OF_KEYS
#define MAX_COUNT 10000
#define SHORT_USEC (2 * 1000)
#define LONG_USEC (20 * 1000)

/* No server has a cursor that is longer. */
#define MAX_CURSOR_LENGTH 512

G_DEFINE_FINAL_TYPE (TornadisScanner, tornadis_scanner, G_TYPE_OBJECT)

/* By kind: what is asked with, and of how many elements of a page one is. */
static const struct
{
  const char *command;
  gsize n_parts;
} kinds[] = {
  [TORNADIS_SCANNER_KIND_KEYS] = { "SCAN", 1 },
  [TORNADIS_SCANNER_KIND_HASH] = { "HSCAN", 2 },
  [TORNADIS_SCANNER_KIND_SET] = { "SSCAN", 1 },
  [TORNADIS_SCANNER_KIND_SORTED_SET] = { "ZSCAN", 2 },
};

static void scanner_ask (TornadisScanner *self);

static const char *
scanner_get_name (TornadisScanner *self)
{
  return kinds[self->kind].command;
}

static TornadisCommand *
scanner_create_command (TornadisScanner *self)
{
  TornadisCommand *command = tornadis_command_new (scanner_get_name (self));

  if (self->key != NULL)
    tornadis_command_append_bytes (command, self->key);
  tornadis_command_append_bytes (command, self->cursor);
  if (self->pattern != NULL)
    {
      tornadis_command_append_string (command, "MATCH");
      tornadis_command_append_string (command, self->pattern);
    }
  tornadis_command_append_string (command, "COUNT");
  tornadis_command_append_int64 (command, self->count > 0 ? self->count : self->adapted_count);
  if (self->key_type != NULL)
    {
      tornadis_command_append_string (command, "TYPE");
      tornadis_command_append_string (command, self->key_type);
    }

  return command;
}

/* The way to the server takes its time with any count: it is the rest that counts. A page that was asked for ahead may have lain
 * there while the one before was dealt with: only while somebody waits for it is the server known to be at work. One page may take
 * long because the machine is busy. */
static void
scanner_adapt (TornadisScanner *self,
               gint64 sent)
{
  gint64 now = g_get_monotonic_time ();
  gint64 taken = now - sent;
  gint64 waited = self->task != NULL ? now - MAX (sent, self->asked) : 0;
  guint min_count = self->kind == TORNADIS_SCANNER_KIND_KEYS ? MIN_COUNT_OF_KEYS : MIN_COUNT;

  self->least_usec = MIN (self->least_usec, taken);
  self->n_long = waited - self->least_usec > LONG_USEC ? self->n_long + 1 : 0;
  if (taken - self->least_usec < SHORT_USEC)
    self->adapted_count = MIN (self->adapted_count * 2, MAX_COUNT);
  else if (self->n_long > 1)
    self->adapted_count = MAX (self->adapted_count / 2, min_count);
}

static void
scan_call_free (TornadisScanCall *call)
{
  g_object_unref (call->cancellable);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TornadisScanCall, scan_call_free)

/* Its page is not taken: it is asked for again. */
static void
scanner_drop_call (TornadisScanner *self)
{
  TornadisScanCall *call = g_steal_pointer (&self->call);

  if (call == NULL)
    return;

  call->scanner = NULL;
  g_cancellable_cancel (call->cancellable);
}

/* Nobody waits for a batch any more. */
static void
scanner_forget_task (TornadisScanner *self)
{
  g_clear_object (&self->task);
  g_clear_pointer (&self->watch, g_source_unref);
}

/* @task is at its end, with @batch (transfer full) or @error (transfer full); with neither the scan is. */
static void
scanner_return (TornadisScanner *self,
                GTask *task,
                TornadisReply *batch,
                GError *error)
{
  /* Who is called back may ask for the next. */
  g_object_ref (task);
  if (self->watch != NULL)
    g_source_destroy (self->watch);
  scanner_forget_task (self);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, batch, (GDestroyNotify) tornadis_reply_unref);
  g_object_unref (task);
}

static GError *
scanner_new_protocol_error (TornadisScanner *self,
                            const char *what)
{
  return g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_PROTOCOL, "%s: %s", scanner_get_name (self), what);
}

/* Takes the cursor and the page of a reply; what stands behind them is of later servers. */
static gboolean
scanner_take_page (TornadisScanner *self,
                   TornadisReply *reply,
                   GError **error)
{
  TornadisReply *cursor = tornadis_reply_get_element (reply, 0);
  TornadisReply *page = tornadis_reply_get_element (reply, 1);
  TornadisReplyKind kind = page != NULL ? tornadis_reply_get_kind (page) : TORNADIS_REPLY_KIND_NIL;
  const guint8 *data = cursor != NULL ? tornadis_reply_get_data (cursor, NULL) : NULL;
  gsize length = 0;

  if (data != NULL)
    tornadis_reply_get_data (cursor, &length);
  if (length == 0 || length > MAX_CURSOR_LENGTH || tornadis_reply_is_error (cursor))
    {
      g_propagate_error (error, scanner_new_protocol_error (self, "the reply has no cursor"));
      return FALSE;
    }
  if ((kind != TORNADIS_REPLY_KIND_ARRAY && kind != TORNADIS_REPLY_KIND_SET && kind != TORNADIS_REPLY_KIND_MAP) ||
      tornadis_reply_get_n_elements (page) % kinds[self->kind].n_parts != 0)
    {
      g_propagate_error (error, scanner_new_protocol_error (self, "the reply has no page of elements"));
      return FALSE;
    }

  g_clear_pointer (&self->cursor, g_bytes_unref);
  /* A copy: the bytes of a reply keep all of it. */
  if (length != 1 || *data != '0')
    self->cursor = g_bytes_new (data, length);
  self->page = tornadis_reply_ref (page);
  self->position = 0;

  return TRUE;
}

/* (transfer full): a score as a number, whatever the protocol has; or NULL with an error. */
static TornadisReply *
scanner_create_score (TornadisScanner *self,
                      TornadisReply *score,
                      GError **error)
{
  double value = tornadis_reply_get_double (score);
  const char *text = tornadis_reply_get_text (score);
  char *end = NULL;

  if (tornadis_reply_get_kind (score) == TORNADIS_REPLY_KIND_DOUBLE)
    return tornadis_reply_ref (score);

  /* What is no number is 0 too. */
  if (value == 0 && (text == NULL || g_ascii_strtod (text, &end) != 0 || end == text || *end != '\0'))
    {
      g_propagate_error (error, scanner_new_protocol_error (self, "a score is no number"));
      return NULL;
    }

  return tornadis_reply_new_from_variant (g_variant_new_double (value));
}

/* Whether the element at the position was not given yet, or FALSE with an error. */
static gboolean
scanner_is_new (TornadisScanner *self,
                GError **error)
{
  gsize length;
  const guint8 *data = tornadis_reply_get_data (tornadis_reply_get_element (self->page, self->position), &length);

  if (data == NULL)
    {
      g_propagate_error (error, scanner_new_protocol_error (self, "an element is no string"));
      return FALSE;
    }

  switch (tornadis_seen_set_add (self->seen, data, length, self->max_unique_bytes))
    {
    case TORNADIS_SEEN_NEW:
      return TRUE;
    case TORNADIS_SEEN_AGAIN:
      return FALSE;
    case TORNADIS_SEEN_FULL:
    default:
      g_set_error (error, TORNADIS_ERROR, TORNADIS_ERROR_BUSY,
                   "%s: %u elements are all that can be told apart within max-unique-bytes", scanner_get_name (self),
                   tornadis_seen_set_get_length (self->seen));
      return FALSE;
    }
}

/* Takes the rest of the page up to an error, as replies (transfer full) in @batch. */
static void
scanner_collect (TornadisScanner *self,
                 GPtrArray *batch,
                 GError **error)
{
  gsize n_parts = kinds[self->kind].n_parts;
  gsize n = tornadis_reply_get_n_elements (self->page);

  for (; self->position < n; self->position += n_parts)
    {
      g_autoptr (GError) local_error = NULL;
      TornadisReply *element = tornadis_reply_get_element (self->page, self->position);
      g_autoptr (TornadisReply) value = NULL;

      if (self->kind == TORNADIS_SCANNER_KIND_SORTED_SET)
        value = scanner_create_score (self, tornadis_reply_get_element (self->page, self->position + 1), &local_error);
      else if (n_parts == 2)
        value = tornadis_reply_ref (tornadis_reply_get_element (self->page, self->position + 1));

      if (local_error == NULL && self->unique && !scanner_is_new (self, &local_error) && local_error == NULL)
        continue;
      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return;
        }

      g_ptr_array_add (batch, tornadis_reply_ref (element));
      if (value != NULL)
        g_ptr_array_add (batch, g_steal_pointer (&value));
    }
}

/* What of the page is to be given (transfer full), or NULL: nothing, or an error. It stays where it is at an error, which comes
 * when what stands before that was given. */
static TornadisReply *
scanner_take_batch (TornadisScanner *self,
                    GError **error)
{
  g_autoptr (GPtrArray) batch = NULL;
  g_autoptr (GError) local_error = NULL;

  if (!self->unique && self->kind != TORNADIS_SCANNER_KIND_SORTED_SET &&
      tornadis_reply_get_kind (self->page) == TORNADIS_REPLY_KIND_ARRAY)
    {
      g_autoptr (TornadisReply) page = g_steal_pointer (&self->page);

      return tornadis_reply_get_n_elements (page) > 0 ? g_steal_pointer (&page) : NULL;
    }

  if (self->unique && self->seen == NULL)
    self->seen = tornadis_seen_set_new ();
  batch = g_ptr_array_new_full ((guint) tornadis_reply_get_n_elements (self->page), (GDestroyNotify) tornadis_reply_unref);
  scanner_collect (self, batch, &local_error);
  if (local_error == NULL)
    g_clear_pointer (&self->page, tornadis_reply_unref);

  if (batch->len > 0)
    return tornadis_reply_new_nested (TORNADIS_REPLY_KIND_ARRAY, (TornadisReply **) batch->pdata, batch->len);
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));

  return NULL;
}

/* Gives what there is, or asks for more. While a batch is dealt with the server is at work for the next. */
static void
scanner_go_on (TornadisScanner *self,
               GTask *task)
{
  GError *error = NULL;
  TornadisReply *batch = self->page != NULL ? scanner_take_batch (self, &error) : NULL;
  gboolean done = batch != NULL || error != NULL || self->cursor == NULL;

  if (self->cursor != NULL && self->page == NULL && (!done || self->going_on))
    scanner_ask (self);
  self->going_on |= batch != NULL;
  if (done)
    scanner_return (self, task, batch, error);
}

/* Whether nobody waits for a batch any more: who has cancelled is told by the watch. What has come stays for the next. */
static gboolean
scanner_is_left (TornadisScanner *self)
{
  if (self->task != NULL && g_cancellable_is_cancelled (g_task_get_cancellable (self->task)))
    scanner_forget_task (self);

  return self->task == NULL;
}

static void
scanned_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (TornadisScanCall) call = user_data;
  g_autoptr (TornadisScanner) self = NULL;
  GError *error = NULL;
  g_autoptr (TornadisReply) reply = tornadis_caller_call_finish (TORNADIS_CALLER (object), result, &error);

  if (call->scanner == NULL)
    {
      g_clear_error (&error);
      return;
    }

  self = g_object_ref (call->scanner);
  self->call = NULL;
  if (error == NULL && scanner_take_page (self, reply, &error))
    scanner_adapt (self, call->sent);

  /* An error that nobody sees comes again. */
  if (scanner_is_left (self))
    g_clear_error (&error);
  else if (error != NULL)
    scanner_return (self, self->task, NULL, error);
  else
    scanner_go_on (self, self->task);
}

static void
scanner_ask (TornadisScanner *self)
{
  g_autoptr (TornadisCommand) command = scanner_create_command (self);

  self->call = g_new (TornadisScanCall, 1);
  *self->call = (TornadisScanCall){ self, g_cancellable_new (), g_get_monotonic_time () };
  tornadis_caller_call_async (self->caller, command, self->call->cancellable, scanned_cb, self->call);
}

/* What is there already: from the main loop too, so that who asks is called back within this, and cannot cancel in between. Of
 * a scanner that was closed it is an error. */
static gboolean
go_on_cb (gpointer user_data)
{
  GTask *task = user_data;
  TornadisScanner *self = g_task_get_source_object (task);

  if (self->task != task || scanner_is_left (self))
    return G_SOURCE_REMOVE;

  if (self->caller == NULL)
    scanner_return (self, task, NULL,
                    g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "%s: the scanner was closed", scanner_get_name (self)));
  else
    scanner_go_on (self, task);

  return G_SOURCE_REMOVE;
}

static void
scanner_go_on_soon (TornadisScanner *self,
                    GTask *task)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_task_attach_source (task, source, go_on_cb);
}

static gboolean
cancelled_cb (GCancellable *cancellable,
              gpointer user_data)
{
  GTask *task = user_data;
  TornadisScanner *self = g_task_get_source_object (task);

  if (self->task == task)
    {
      scanner_drop_call (self);
      scanner_forget_task (self);
    }
  /* Even if the cancellable was reset meanwhile. */
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Operation was cancelled");

  return G_SOURCE_REMOVE;
}

/* What is wrong with how it was created or is used, or NULL. */
static const char *
scanner_find_fault (TornadisScanner *self)
{
  if (self->task != NULL)
    return "the batch before is still asked for";
  if (self->kind == TORNADIS_SCANNER_KIND_KEYS && self->key != NULL)
    return "a key is for what is scanned in it, and a scanner of keys has a pattern";
  if (self->kind != TORNADIS_SCANNER_KIND_KEYS && self->key == NULL)
    return "there is no key";
  if (self->kind != TORNADIS_SCANNER_KIND_KEYS && self->key_type != NULL)
    return "a type is for keys";

  return NULL;
}

/**
 * tornadis_scanner_new:
 * @caller: a client or a pool
 *
 * Creates a scanner of all keys of the database. Nothing is sent before a batch is asked for.
 *
 * Returns: (transfer full): a new scanner
 *
 * Since: 1.0
 */
TornadisScanner *
tornadis_scanner_new (TornadisCaller *caller)
{
  g_return_val_if_fail (TORNADIS_IS_CALLER (caller), NULL);

  return g_object_new (TORNADIS_TYPE_SCANNER, "caller", caller, NULL);
}

/**
 * tornadis_scanner_new_for_key:
 * @caller: a client or a pool
 * @kind: what @key has: a hash, a set or a sorted set
 * @key: the key, as text; of other bytes it is [property@Tornadis.Scanner:key]
 *
 * Creates a scanner of the elements that a key has. A key that is not there has none.
 *
 * Returns: (transfer full): a new scanner
 *
 * Since: 1.0
 */
TornadisScanner *
tornadis_scanner_new_for_key (TornadisCaller *caller,
                              TornadisScannerKind kind,
                              const char *key)
{
  g_autoptr (GBytes) bytes = NULL;

  g_return_val_if_fail (TORNADIS_IS_CALLER (caller), NULL);
  g_return_val_if_fail (key != NULL, NULL);

  bytes = g_bytes_new (key, strlen (key));

  return g_object_new (TORNADIS_TYPE_SCANNER, "caller", caller, "kind", kind, "key", bytes, NULL);
}

/**
 * tornadis_scanner_next_async:
 * @self: a scanner
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when there is a batch, or the end, or it has failed
 * @user_data: passed to @callback
 *
 * Asks for the next batch. Pages that have nothing in them, as with a pattern that few keys match, are passed over.
 *
 * One is asked for at a time: the next when the callback was called, or when it was cancelled.
 *
 * Since: 1.0
 */
void
tornadis_scanner_next_async (TornadisScanner *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  const char *fault;

  g_return_if_fail (TORNADIS_IS_SCANNER (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tornadis_scanner_next_async);
  /* A batch that was read is the caller's: the next has what follows. */
  g_task_set_check_cancellable (task, FALSE);

  /* Who has cancelled may ask again before that is told. */
  if (self->task != NULL && scanner_is_left (self))
    scanner_drop_call (self);
  fault = scanner_find_fault (self);
  if (fault != NULL)
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "%s: %s", scanner_get_name (self), fault);
      return;
    }
  if (self->caller == NULL)
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "%s: the scanner is closed",
                               scanner_get_name (self));
      return;
    }
  if (g_task_return_error_if_cancelled (task))
    return;

  self->task = g_object_ref (task);
  self->asked = g_get_monotonic_time ();
  if (cancellable != NULL)
    {
      self->watch = g_cancellable_source_new (cancellable);
      g_task_attach_source (task, self->watch, G_SOURCE_FUNC (cancelled_cb));
    }

  if (self->page != NULL || self->cursor == NULL)
    scanner_go_on_soon (self, task);
  else if (self->call == NULL)
    scanner_ask (self);
}

/**
 * tornadis_scanner_next_finish:
 * @self: a scanner
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes asking for a batch with [method@Tornadis.Scanner.next_async]: an ARRAY of one element at least. It has keys or
 * members; of a hash fields and values in turn, of a sorted set members and scores, which are numbers (DOUBLE) with any
 * protocol.
 *
 * The end is %NULL without an error, then and whenever a batch is asked for again.
 *
 * Errors are those of [method@Tornadis.Client.call_finish], such as %TORNADIS_ERROR_REPLY for a key of another type;
 * %TORNADIS_ERROR_PROTOCOL for a reply that has no page; %TORNADIS_ERROR_BUSY when
 * [property@Tornadis.Scanner:max-unique-bytes] is reached; and %TORNADIS_ERROR_CLOSED when the scanner is closed. After one
 * the same batch can be asked for again, and none of its elements is lost.
 *
 * Returns: (transfer full) (nullable): the batch, or %NULL at the end or with an error
 *
 * Since: 1.0
 */
TornadisReply *
tornadis_scanner_next_finish (TornadisScanner *self,
                              GAsyncResult *result,
                              GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_SCANNER (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * tornadis_scanner_close:
 * @self: a scanner
 *
 * Ends the scan where it is, and lets go of what it has in memory. A batch that is asked for is cancelled, in the server's queue
 * too, and fails with %TORNADIS_ERROR_CLOSED, as do those that are asked for later: only a scan that came to its end ends
 * without an error.
 *
 * Disposing of the scanner does the same.
 *
 * Since: 1.0
 */
void
tornadis_scanner_close (TornadisScanner *self)
{
  g_return_if_fail (TORNADIS_IS_SCANNER (self));

  g_clear_object (&self->caller);
  g_clear_pointer (&self->cursor, g_bytes_unref);
  g_clear_pointer (&self->page, tornadis_reply_unref);
  g_clear_pointer (&self->seen, tornadis_seen_set_free);
  scanner_drop_call (self);
  if (self->task != NULL)
    scanner_go_on_soon (self, self->task);
}

static void
tornadis_scanner_constructed (GObject *object)
{
  TornadisScanner *self = TORNADIS_SCANNER (object);

  G_OBJECT_CLASS (tornadis_scanner_parent_class)->constructed (object);

  self->adapted_count = self->kind == TORNADIS_SCANNER_KIND_KEYS ? FIRST_COUNT_OF_KEYS : FIRST_COUNT;
}

static void
tornadis_scanner_dispose (GObject *object)
{
  tornadis_scanner_close (TORNADIS_SCANNER (object));

  G_OBJECT_CLASS (tornadis_scanner_parent_class)->dispose (object);
}

static void
tornadis_scanner_finalize (GObject *object)
{
  TornadisScanner *self = TORNADIS_SCANNER (object);

  g_clear_pointer (&self->key, g_bytes_unref);
  g_free (self->pattern);
  g_free (self->key_type);

  G_OBJECT_CLASS (tornadis_scanner_parent_class)->finalize (object);
}

static void
tornadis_scanner_class_init (TornadisScannerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = tornadis_scanner_constructed;
  object_class->dispose = tornadis_scanner_dispose;
  object_class->finalize = tornadis_scanner_finalize;

  tornadis_scanner_install_properties (object_class);
}

static void
tornadis_scanner_init (TornadisScanner *self)
{
  self->cursor = g_bytes_new_static ("0", 1);
  self->least_usec = G_MAXINT64;
}
