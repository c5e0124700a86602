/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cache/cache-calls.h"

#include "cache/cache-effect.h"
#include "cache/cache-keys.h"
#include "cache/cache-pending.h"
#include "cache/cache-request.h"
#include "common/commands.h"

struct _CacheCalls
{
  CacheStore *store;       /* (unowned) */
  CacheTracking *tracking; /* (unowned) */
  CachePending *pending;   /* (owned) */
  GHashTable *operations;  /* (owned) (element-type TornadisCall CacheOperation) */
  GHashTable *commands;    /* (owned) (element-type utf8) */
  gboolean has_scripts;    /* among @commands */
  GPtrArray *only;         /* (owned) (nullable) (element-type GPatternSpec) */
  GPtrArray *exclude;      /* (owned) (nullable) (element-type GPatternSpec) */
  CacheCounts counts;
  TornadisCommand *observed; /* (unowned) (nullable) the command whose outcome call_done will see next */

  /* Scratch, of the command that is being looked at. */
  GByteArray *buffer; /* (owned) its request */
  CacheKeys *keys;    /* (owned) */
};

typedef enum
{
  OPERATION_LEADER,   /* its reply is for all who wait for the same */
  OPERATION_FOLLOWER, /* it waits for the reply of another */
  OPERATION_PASSED,   /* it writes, or changes its connection */
} CacheOperationKind;

/* A call that the plugin does more with than to pass it on. */
typedef struct
{
  CacheOperationKind kind;
  CacheLink *link;          /* (owned) */
  TornadisCommand *command; /* (unowned) as it was when the call came here */
  CacheRead *read;          /* (nullable) owned by the leader */
  CacheWrite *write;        /* (owned) (nullable) */
  GList node;               /* of a follower: in the read's, with a reference to the call */
  guint64 generation;       /* of a leader: the connection that it began on */
  guint space;              /* of a read: what its link saw when it was called */
} CacheOperation;

static CacheOperation *
calls_add_operation (CacheCalls *self,
                     TornadisCall *call,
                     CacheLink *link,
                     CacheOperationKind kind)
{
  CacheOperation *operation = g_new0 (CacheOperation, 1);

  operation->kind = kind;
  operation->link = g_rc_box_acquire (link);
  operation->command = tornadis_call_get_command (call);
  operation->generation = link->generation;
  operation->node.data = call;
  g_hash_table_insert (self->operations, call, operation);

  return operation;
}

static void
operation_free (CacheOperation *operation)
{
  cache_link_unref (operation->link);
  g_free (operation);
}

/* Dropping. */

static void
calls_drop_one (CacheCalls *self,
                const CacheBytes *key)
{
  cache_store_drop_key (self->store, key);
  cache_pending_spoil_key (self->pending, key);
}

/* Replies of scripts are dropped too: any of them may have read the key, whether or not it names it. */
static void
calls_drop_key (CacheCalls *self,
                const CacheBytes *key)
{
  CacheBytes any = cache_keys_get_any ();

  calls_drop_one (self, key);
  if (self->has_scripts)
    calls_drop_one (self, &any);
}

void
cache_calls_flush (CacheCalls *self)
{
  cache_store_drop_all (self->store);
  cache_pending_spoil_all (self->pending);
}

/* Writes. */

static void
calls_drop_written (CacheCalls *self,
                    CacheWrite *write)
{
  guint n_keys;
  const CacheBytes *keys = cache_write_get_keys (write, &n_keys);

  if (keys == NULL)
    cache_calls_flush (self);
  for (guint i = 0; i < n_keys; i++)
    calls_drop_key (self, &keys[i]);
}

static void
calls_end_write (CacheCalls *self,
                 CacheWrite *write)
{
  calls_drop_written (self, write);
  cache_pending_end_write (self->pending, write);
}

void
cache_calls_end_queued (CacheCalls *self,
                        CacheLink *link)
{
  for (guint i = 0; i < link->queued->len; i++)
    calls_end_write (self, g_ptr_array_index (link->queued, i));
  g_ptr_array_set_size (link->queued, 0);
}

/* Whether it is known that no transaction is open, not even of calls whose outcome nobody waited for. */
static gboolean
link_is_outside (CacheLink *link)
{
  return !tornadis_client_is_in_transaction (link->client) && tornadis_client_is_session_settled (link->client);
}

/* Does what had to wait for the end of a transaction. */
static void
calls_catch_up (CacheCalls *self,
                CacheLink *link)
{
  if (link->queued->len > 0 && link_is_outside (link))
    cache_calls_end_queued (self, link);
  cache_link_catch_up (link);
}

/* Passes on a pipeline, or a command whose reply is not kept. */
static void
calls_pass (CacheCalls *self,
            CacheLink *link,
            TornadisCall *call)
{
  gboolean any = FALSE;
  gboolean ends = call_is_atomic (call) && tornadis_client_is_in_transaction (link->client);
  CacheOperation *operation;

  calls_catch_up (self, link);
  cache_keys_clear (self->keys);
  for (guint i = 0; i < call_get_n_commands (call); i++)
    {
      TornadisCommand *command = call_get_command (call, i);

      any |= !cache_keys_add_written (self->keys, link->client, command);
      ends |= cache_effect_sent (link, command);
    }

  if (!any && !ends && self->keys->keys->len == 0)
    return;

  operation = calls_add_operation (self, call, link, OPERATION_PASSED);
  if (!any && self->keys->keys->len == 0)
    return;

  if (self->has_scripts)
    cache_keys_add_any (self->keys);
  operation->write = cache_pending_begin_write (self->pending, any ? NULL : cache_keys_peek (self->keys), self->keys->keys->len);
  calls_drop_written (self, operation->write);
}

static void
calls_passed (CacheCalls *self,
              CacheOperation *operation,
              TornadisCall *call,
              gboolean known)
{
  CacheLink *link = operation->link;
  gboolean attached = link->tracking != NULL;
  gboolean ended = FALSE;
  gboolean queued;

  if (known)
    queued = cache_effect_is_queued (call, &ended);
  else
    queued = attached && tornadis_client_is_connected (link->client) && !link_is_outside (link);

  if (ended)
    cache_calls_end_queued (self, link);

  /* What was queued is written by EXEC. */
  if (operation->write != NULL && queued && attached)
    {
      calls_drop_written (self, operation->write);
      g_ptr_array_add (link->queued, operation->write);
    }
  else if (operation->write != NULL)
    calls_end_write (self, operation->write);

  if (attached)
    calls_catch_up (self, link);
}

/* Reads. */

/* Whether the reply may be kept; its keys are then in @keys. */
static gboolean
calls_may_keep (CacheCalls *self,
                CacheLink *link,
                TornadisCommand *command)
{
  cache_keys_clear (self->keys);
  if (!cache_keys_add_read (self->keys, link->client, command))
    return FALSE;

  for (guint i = 0; i < self->keys->keys->len; i++)
    if (!cache_key_matches (self->only, self->exclude, &cache_keys_peek (self->keys)[i]))
      return FALSE;

  if (self->has_scripts && cache_keys_is_script (tornadis_command_get_name (command)))
    cache_keys_add_any (self->keys);

  return !cache_pending_is_writing (self->pending, cache_keys_peek (self->keys), self->keys->keys->len);
}

/* TRUE: answered, or waiting for the reply of another. */
static gboolean
calls_read (CacheCalls *self,
            CacheLink *link,
            TornadisCall *call)
{
  TornadisCommand *command = tornadis_call_get_command (call);
  guint space = cache_link_get_space (link);
  CacheOperation *operation;
  TornadisReply *reply;
  CacheBytes request;
  CacheRead *read;

  if (!cache_request_write (self->buffer, space, command, &request))
    return FALSE;

  reply = cache_store_lookup (self->store, &request);
  if (reply != NULL)
    {
      self->counts.hits++;
      tornadis_call_return_reply (call, reply);
      return TRUE;
    }

  read = cache_pending_find (self->pending, &request);
  if (read != NULL)
    {
      self->counts.shared++;
      operation = calls_add_operation (self, g_object_ref (call), link, OPERATION_FOLLOWER);
      operation->read = read;
      operation->space = space;
      g_queue_push_tail_link (&read->followers, &operation->node);
      return TRUE;
    }

  if (!calls_may_keep (self, link, command))
    return FALSE;

  self->counts.misses++;
  operation = calls_add_operation (self, call, link, OPERATION_LEADER);
  operation->space = space;
  operation->read = cache_pending_begin_read (self->pending, &request, cache_keys_peek (self->keys), self->keys->keys->len);

  return FALSE;
}

/* Removes the first call that waits for @read; (transfer full); @operation (out) (transfer full). */
static TornadisCall *
calls_pop_follower (CacheCalls *self,
                    CacheRead *read,
                    CacheOperation **operation)
{
  TornadisCall *call = g_queue_peek_head (&read->followers);

  if (call == NULL)
    return NULL;

  g_hash_table_steal_extended (self->operations, call, NULL, (gpointer *) operation);
  g_queue_unlink (&read->followers, &(*operation)->node);

  return call;
}

/* All get the outcome of the leader. A callback may cancel others, so that they are removed one at a time. */
static void
calls_answer_followers (CacheCalls *self,
                        CacheRead *read,
                        TornadisReply *reply,
                        const GError *error)
{
  CacheOperation *operation;
  TornadisCall *call;

  while ((call = calls_pop_follower (self, read, &operation)) != NULL)
    {
      operation_free (operation);
      if (reply != NULL)
        tornadis_call_return_reply (call, reply);
      else
        tornadis_call_return_error (call, error);
      g_object_unref (call);
    }
}

/* Whether the reply to a read is what it would have been when it was called. */
static gboolean
operation_sees_the_same (CacheOperation *operation)
{
  return cache_link_is_usable (operation->link) && cache_link_get_space (operation->link) == operation->space;
}

/* The leader has failed for a reason of its own: the next whose connection is usable becomes the leader, those before it
 * are sent by themselves. */
static void
calls_replace_leader (CacheCalls *self,
                      CacheRead *read)
{
  CacheOperation *operation;
  TornadisCall *call;

  while ((call = calls_pop_follower (self, read, &operation)) != NULL)
    {
      gboolean leads = operation_sees_the_same (operation);

      if (leads)
        {
          operation->kind = OPERATION_LEADER;
          operation->generation = operation->link->generation;
          g_hash_table_insert (self->operations, call, operation);
        }
      else
        operation_free (operation);

      tornadis_call_proceed (call);
      g_object_unref (call);
      if (leads)
        return;
    }

  cache_pending_end_read (self->pending, read);
}

static void
calls_keep (CacheCalls *self,
            CacheOperation *operation,
            TornadisReply *reply)
{
  CacheRead *read = operation->read;

  if (read->stale || operation->generation != operation->link->generation || !operation_sees_the_same (operation))
    return;

  /* A plugin behind this one has replaced the command, which may have other keys now, or has answered by itself. */
  if (self->observed != operation->command)
    return;

  cache_store_insert (self->store, &read->request, read->keys, read->n_keys, reply);
}

static void
calls_read_done (CacheCalls *self,
                 CacheOperation *operation,
                 TornadisCall *call,
                 const GError *error)
{
  CacheRead *read = operation->read;
  TornadisReply *reply = tornadis_call_get_reply (call);

  if (reply != NULL)
    calls_keep (self, operation, reply);
  self->observed = NULL;

  if (reply == NULL && !g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY))
    {
      calls_replace_leader (self, read);
      return;
    }

  cache_pending_close_read (self->pending, read);
  calls_answer_followers (self, read, reply, error);
  cache_pending_end_read (self->pending, read);
}

/* The hooks. */

gboolean
cache_calls_begin (CacheCalls *self,
                   TornadisCall *call)
{
  CacheLink *link = cache_tracking_lookup (self->tracking, tornadis_call_get_client (call));
  TornadisCommand *command = tornadis_call_get_command (call);

  /* Connecting changes no keys. */
  if (link == NULL || g_str_equal (tornadis_call_get_name (call), "HELLO"))
    return FALSE;

  if (command != NULL && cache_link_is_usable (link) &&
      g_hash_table_contains (self->commands, tornadis_command_get_name (command)) && calls_read (self, link, call))
    return TRUE;

  if (!g_hash_table_contains (self->operations, call))
    calls_pass (self, link, call);

  return FALSE;
}

void
cache_calls_done (CacheCalls *self,
                  TornadisCall *call)
{
  CacheOperation *operation = NULL;
  g_autoptr (GError) error = NULL;

  if (tornadis_call_get_reply (call) == NULL)
    {
      CacheLink *link = cache_tracking_lookup (self->tracking, tornadis_call_get_client (call));

      error = tornadis_call_dup_error (call);
      if (link != NULL)
        cache_link_check (link);
    }

  if (!g_hash_table_steal_extended (self->operations, call, NULL, (gpointer *) &operation))
    return;

  switch (operation->kind)
    {
    case OPERATION_LEADER:
      calls_read_done (self, operation, call, error);
      break;
    case OPERATION_FOLLOWER:
      g_queue_unlink (&operation->read->followers, &operation->node);
      g_object_unref (call);
      break;
    case OPERATION_PASSED:
      calls_passed (self, operation, call, error == NULL || g_error_matches (error, TORNADIS_ERROR, TORNADIS_ERROR_REPLY));
      break;
    default:
      g_assert_not_reached ();
    }

  operation_free (operation);
}

void
cache_calls_observe (CacheCalls *self,
                     TornadisCommand *command)
{
  self->observed = command;
}

gboolean
cache_calls_push (CacheCalls *self,
                  TornadisReply *push)
{
  const char *kind = tornadis_reply_get_n_elements (push) == 2 ? tornadis_reply_get_text (tornadis_reply_get_element (push, 0)) : NULL;
  TornadisReply *keys;

  if (g_strcmp0 (kind, "invalidate") != 0)
    return FALSE;

  keys = tornadis_reply_get_element (push, 1);
  if (tornadis_reply_get_kind (keys) != TORNADIS_REPLY_KIND_ARRAY)
    {
      self->counts.invalidations++;
      cache_calls_flush (self);
    }

  for (gsize i = 0; i < tornadis_reply_get_n_elements (keys); i++)
    {
      gsize length = 0;
      const guint8 *data = tornadis_reply_get_data (tornadis_reply_get_element (keys, i), &length);
      CacheBytes key = cache_bytes (data, data != NULL ? length : 0);

      self->counts.invalidations++;
      calls_drop_key (self, &key);
    }

  /* Others may keep something too. */
  return FALSE;
}

void
cache_calls_drop_link (CacheCalls *self,
                       CacheLink *link)
{
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer call;
  gpointer value;

  g_hash_table_iter_init (&iter, self->operations);
  while (g_hash_table_iter_next (&iter, &call, &value))
    {
      CacheOperation *operation = value;

      if (operation->kind != OPERATION_FOLLOWER || operation->link != link)
        continue;
      g_hash_table_iter_remove (&iter);
      g_queue_unlink (&operation->read->followers, &operation->node);
      operation_free (operation);
      g_ptr_array_add (calls, call);
    }

  for (guint i = 0; i < calls->len; i++)
    tornadis_call_proceed (g_ptr_array_index (calls, i));
}

CacheCalls *
cache_calls_new (CacheStore *store,
                 CacheTracking *tracking,
                 CommandTable *table)
{
  CacheCalls *self = g_new0 (CacheCalls, 1);

  self->store = store;
  self->tracking = tracking;
  self->pending = cache_pending_new ();
  self->operations = g_hash_table_new (NULL, NULL);
  self->commands = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->buffer = g_byte_array_new ();
  self->keys = cache_keys_new (table);
  cache_calls_set_commands (self, NULL);

  return self;
}

void
cache_calls_free (CacheCalls *self)
{
  g_hash_table_unref (self->operations);
  g_hash_table_unref (self->commands);
  g_clear_pointer (&self->only, g_ptr_array_unref);
  g_clear_pointer (&self->exclude, g_ptr_array_unref);
  g_byte_array_unref (self->buffer);
  cache_keys_free (self->keys);
  cache_pending_free (self->pending);
  g_free (self);
}

void
cache_calls_set_commands (CacheCalls *self,
                          const char *const *commands)
{
  if (commands == NULL)
    commands = cache_default_commands;

  g_hash_table_remove_all (self->commands);
  self->has_scripts = FALSE;
  for (gsize i = 0; commands[i] != NULL; i++)
    {
      char *name = g_ascii_strup (commands[i], -1);

      self->has_scripts |= cache_keys_is_script (name);
      g_hash_table_add (self->commands, name);
    }
}

void
cache_calls_set_keys (CacheCalls *self,
                      const char *const *only,
                      const char *const *exclude)
{
  g_clear_pointer (&self->only, g_ptr_array_unref);
  g_clear_pointer (&self->exclude, g_ptr_array_unref);
  self->only = cache_globs_new (only);
  self->exclude = cache_globs_new (exclude);
}

const CacheCounts *
cache_calls_get_counts (CacheCalls *self)
{
  return &self->counts;
}
