/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-stream-consumer-private.h"

#include "tornadis-glib/client/tornadis-caller.h"

/**
 * TornadisStreamConsumer:
 *
 * One of several consumers that share the entries of a stream, a group, with `XREADGROUP`.
 *
 * It is a [class@Tornadis.StreamReader], and tells entries like one. Each entry goes to one consumer of the group, which
 * acknowledges it with [method@Tornadis.StreamConsumer.ack] when it has dealt with it. Acknowledgements of one main-context
 * iteration go to the server together, and again until they are confirmed.
 *
 * ```c
 * static void
 * entry_cb (TornadisStreamConsumer *consumer, TornadisStreamEntry *entry)
 * {
 *   g_print ("%s\n", tornadis_stream_entry_lookup_text (entry, "what"));
 *   tornadis_stream_consumer_ack (consumer, entry);
 * }
 *
 * static TornadisStreamConsumer *
 * work (TornadisClient *client)
 * {
 *   TornadisStreamConsumer *consumer = tornadis_stream_consumer_new (TORNADIS_CALLER (client), "jobs", "workers", "worker-1");
 *
 *   g_signal_connect (consumer, "entry", G_CALLBACK (entry_cb), NULL);
 *   tornadis_stream_reader_start (TORNADIS_STREAM_READER (consumer));
 *
 *   return consumer;
 * }
 * ```
 *
 * What is promised is that each entry is delivered at least once, as long as the server keeps it:
 *
 * - A group that is not there is made, and the stream with it, at [property@Tornadis.StreamReader:start-id], which is `0` unless
 *   it is given: with all entries that the stream has. This holds when somebody deletes them as well. With the group goes the
 *   knowledge of what was acknowledged, so that entries come again.
 * - A consumer begins with what was delivered to its name before and not acknowledged, as after a crash, and goes on with what
 *   is new. After a lost connection it asks for what may have been on its way.
 * - Entries that a consumer has not acknowledged for [property@Tornadis.StreamConsumer:claim-idle-msec] are taken over by
 *   another, or by itself if it has released them. This has to be longer than dealing with an entry takes, with those that are
 *   read ahead before it: otherwise two deal with it. It needs Redis 6.2 or later, or any Valkey.
 * - An entry that was delivered [property@Tornadis.StreamConsumer:max-deliveries] times goes to
 *   [property@Tornadis.StreamConsumer:dead-letter-stream], when that is set.
 * - Entries that were deleted or trimmed before they were acknowledged are told by
 *   [signal@Tornadis.StreamConsumer::entry-deleted] and acknowledged.
 *
 * A delivery is told once: an entry that the program has does not come again before it has released it. It may come twice to a
 * group nevertheless, whenever a consumer ends or is slow after it has dealt with it and before that is acknowledged; so it
 * should do no harm to deal with one again.
 *
 * A consumer gets entries in the order in which the server delivers them: its own from before, then new ones in the order of the
 * stream, with those that are taken over in between.
 *
 * Consumers stay in the group when they are closed. Their names should be few and come again, such as `worker-1`.
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (TornadisStreamConsumer, tornadis_stream_consumer, TORNADIS_TYPE_STREAM_READER)

typedef enum
{
  PROP_GROUP = 1,
  PROP_CONSUMER_NAME,
  PROP_CLAIM_IDLE_MSEC,
  PROP_MAX_DELIVERIES,
  PROP_DEAD_LETTER_STREAM,
} TornadisStreamConsumerProperty;

static GParamSpec *props[PROP_DEAD_LETTER_STREAM + 1];

typedef enum
{
  SIGNAL_ENTRY_DELETED,
  SIGNAL_ENTRY_BURIED,
  N_SIGNALS,
} TornadisStreamConsumerSignal;

static guint signals[N_SIGNALS];

void
tornadis_stream_consumer_tell_deleted (TornadisStreamConsumer *self,
                                       const char *id)
{
  g_signal_emit (self, signals[SIGNAL_ENTRY_DELETED], 0, id);
}

void
tornadis_stream_consumer_tell_dead_letter (TornadisStreamConsumer *self,
                                           TornadisStreamEntry *entry)
{
  g_signal_emit (self, signals[SIGNAL_ENTRY_BURIED], 0, entry);
}

/* The entry that the program has under that key, (transfer none). */
static TornadisStreamEntry *
consumer_find_told (TornadisStreamConsumer *self,
                    TornadisStreamEntry *key)
{
  TornadisStreamEntry *entry = g_hash_table_lookup (self->pending, key);

  return entry != NULL && entry->state == TORNADIS_STREAM_ENTRY_TOLD ? entry : NULL;
}

static gboolean
consumer_release (TornadisStreamConsumer *self,
                  TornadisStreamEntry *key)
{
  TornadisStreamEntry *entry = consumer_find_told (self, key);

  if (entry == NULL)
    return FALSE;

  tornadis_stream_consumer_forget (self, entry);

  return TRUE;
}

static void
consumer_released (TornadisStreamConsumer *self)
{
  TornadisStreamReader *reader = TORNADIS_STREAM_READER (self);

  tornadis_stream_reader_go_on (reader);
  tornadis_stream_reader_check_closed (reader);
}

/**
 * tornadis_stream_consumer_new:
 * @caller: a client or a pool
 * @stream: the key of the stream
 * @group: the name of the group
 * @consumer_name: the name of the consumer in the group, which no other has at the same time
 *
 * Creates a consumer. Nothing is sent before it is started.
 *
 * Returns: (transfer full): a new consumer
 *
 * Since: 1.0
 */
TornadisStreamConsumer *
tornadis_stream_consumer_new (TornadisCaller *caller,
                              const char *stream,
                              const char *group,
                              const char *consumer_name)
{
  g_return_val_if_fail (TORNADIS_IS_CALLER (caller), NULL);
  g_return_val_if_fail (stream != NULL && group != NULL && consumer_name != NULL, NULL);

  return g_object_new (TORNADIS_TYPE_STREAM_CONSUMER, "caller", caller, "stream", stream, "group", group,
                       "consumer-name", consumer_name, NULL);
}

/**
 * tornadis_stream_consumer_get_group: (get-property group)
 * @self: a consumer
 *
 * Gets the name of the group.
 *
 * Returns: the name
 *
 * Since: 1.0
 */
const char *
tornadis_stream_consumer_get_group (TornadisStreamConsumer *self)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_CONSUMER (self), NULL);

  return self->group;
}

/**
 * tornadis_stream_consumer_get_consumer_name: (get-property consumer-name)
 * @self: a consumer
 *
 * Gets the name of the consumer.
 *
 * Returns: the name
 *
 * Since: 1.0
 */
const char *
tornadis_stream_consumer_get_consumer_name (TornadisStreamConsumer *self)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_CONSUMER (self), NULL);

  return self->name;
}

/**
 * tornadis_stream_consumer_get_claim_idle_msec: (get-property claim-idle-msec)
 * @self: a consumer
 *
 * Gets after how long entries of others are taken over.
 *
 * Returns: milliseconds; 0: never
 *
 * Since: 1.0
 */
guint
tornadis_stream_consumer_get_claim_idle_msec (TornadisStreamConsumer *self)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_CONSUMER (self), 0);

  return self->claim_idle_msec;
}

/**
 * tornadis_stream_consumer_set_claim_idle_msec: (set-property claim-idle-msec)
 * @self: a consumer
 * @claim_idle_msec: milliseconds; 0: never
 *
 * Sets after how long entries of others are taken over. It holds from the next command on.
 *
 * Since: 1.0
 */
void
tornadis_stream_consumer_set_claim_idle_msec (TornadisStreamConsumer *self,
                                              guint claim_idle_msec)
{
  g_return_if_fail (TORNADIS_IS_STREAM_CONSUMER (self));

  if (self->claim_idle_msec == claim_idle_msec)
    return;

  self->claim_idle_msec = claim_idle_msec;
  self->next_claim = 0;
  /* Else new ones would be asked for without waiting, until the round is at its end. */
  g_clear_pointer (&self->claim_cursor, g_free);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CLAIM_IDLE_MSEC]);
}

/**
 * tornadis_stream_consumer_get_max_deliveries: (get-property max-deliveries)
 * @self: a consumer
 *
 * Gets how often an entry is delivered at most.
 *
 * Returns: the number of times; 0: without end
 *
 * Since: 1.0
 */
guint
tornadis_stream_consumer_get_max_deliveries (TornadisStreamConsumer *self)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_CONSUMER (self), 0);

  return self->max_deliveries;
}

/**
 * tornadis_stream_consumer_set_max_deliveries: (set-property max-deliveries)
 * @self: a consumer
 * @max_deliveries: the number of times; 0: without end
 *
 * Sets how often an entry is delivered at most.
 *
 * Since: 1.0
 */
void
tornadis_stream_consumer_set_max_deliveries (TornadisStreamConsumer *self,
                                             guint max_deliveries)
{
  g_return_if_fail (TORNADIS_IS_STREAM_CONSUMER (self));

  if (self->max_deliveries == max_deliveries)
    return;

  self->max_deliveries = max_deliveries;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_DELIVERIES]);
}

/**
 * tornadis_stream_consumer_get_dead_letter_stream: (get-property dead-letter-stream)
 * @self: a consumer
 *
 * Gets where entries go that were delivered too often.
 *
 * Returns: (nullable): the key of a stream, or %NULL
 *
 * Since: 1.0
 */
const char *
tornadis_stream_consumer_get_dead_letter_stream (TornadisStreamConsumer *self)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_CONSUMER (self), NULL);

  return self->dead_letter_stream;
}

/**
 * tornadis_stream_consumer_set_dead_letter_stream: (set-property dead-letter-stream)
 * @self: a consumer
 * @dead_letter_stream: (nullable): the key of a stream, or %NULL
 *
 * Sets where entries go that were delivered too often.
 *
 * Since: 1.0
 */
void
tornadis_stream_consumer_set_dead_letter_stream (TornadisStreamConsumer *self,
                                                 const char *dead_letter_stream)
{
  g_return_if_fail (TORNADIS_IS_STREAM_CONSUMER (self));

  if (g_strcmp0 (self->dead_letter_stream, dead_letter_stream) == 0)
    return;

  g_free (self->dead_letter_stream);
  self->dead_letter_stream = g_strdup (dead_letter_stream);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_DEAD_LETTER_STREAM]);
}

/**
 * tornadis_stream_consumer_get_n_pending:
 * @self: a consumer
 *
 * Gets how many entries are pending here: read ahead, told and not acknowledged, or being acknowledged.
 *
 * Returns: the number of entries
 *
 * Since: 1.0
 */
guint
tornadis_stream_consumer_get_n_pending (TornadisStreamConsumer *self)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_CONSUMER (self), 0);

  return g_hash_table_size (self->pending);
}

/**
 * tornadis_stream_consumer_ack:
 * @self: a consumer
 * @entry: an entry that it has told
 *
 * Acknowledges an entry: it is dealt with, and comes no more. It is sent at the end of the main-context iteration, together with
 * others, and again if the connection is lost. If the consumer is dropped meanwhile it is sent once.
 *
 * If the server refuses, [signal@Tornadis.StreamReader::failed] tells that, and it may be acknowledged again.
 *
 * Returns: %TRUE if it was pending; %FALSE if it was acknowledged or released before, and nothing is done
 *
 * Since: 1.0
 */
gboolean
tornadis_stream_consumer_ack (TornadisStreamConsumer *self,
                              TornadisStreamEntry *entry)
{
  TornadisStreamEntry *told;

  g_return_val_if_fail (TORNADIS_IS_STREAM_CONSUMER (self), FALSE);
  g_return_val_if_fail (entry != NULL, FALSE);

  told = consumer_find_told (self, entry);
  if (told != NULL)
    tornadis_stream_consumer_end (self, told);

  return told != NULL;
}

/**
 * tornadis_stream_consumer_ack_ids_async:
 * @self: a consumer
 * @ids: (array zero-terminated=1): ids of entries that it has told
 * @cancellable: (nullable): a cancellable, which ends the waiting and not the acknowledgement
 * @callback: (scope async) (nullable): called when the server has confirmed it
 * @user_data: passed to @callback
 *
 * Acknowledges entries as [method@Tornadis.StreamConsumer.ack], and waits until the server has confirmed that. Ids of entries
 * that are not pending, such as those that were acknowledged before, are left out.
 *
 * Since: 1.0
 */
void
tornadis_stream_consumer_ack_ids_async (TornadisStreamConsumer *self,
                                        const char *const *ids,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_STREAM_CONSUMER (self));
  g_return_if_fail (ids != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, tornadis_stream_consumer_ack_ids_async);
  g_task_set_check_cancellable (task, FALSE);

  for (guint i = 0; ids[i] != NULL; i++)
    {
      TornadisStreamEntry key;
      TornadisStreamEntry *entry = tornadis_stream_entry_set_key (&key, ids[i]) ? consumer_find_told (self, &key) : NULL;

      if (entry != NULL)
        tornadis_stream_consumer_end (self, entry);
    }
  tornadis_stream_consumer_wait_for_acks (self, task);
}

/**
 * tornadis_stream_consumer_ack_ids_finish:
 * @self: a consumer
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.StreamConsumer.ack_ids_async]. An error is %TORNADIS_ERROR_REPLY if the server refuses: the entries
 * may be acknowledged again. While it cannot be reached it is tried again. After the consumer was disposed of it is
 * %TORNADIS_ERROR_CLOSED.
 *
 * Returns: %TRUE if all are acknowledged
 *
 * Since: 1.0
 */
gboolean
tornadis_stream_consumer_ack_ids_finish (TornadisStreamConsumer *self,
                                         GAsyncResult *result,
                                         GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_CONSUMER (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * tornadis_stream_consumer_release:
 * @self: a consumer
 * @entry: an entry that it has told
 *
 * Gives an entry up without acknowledging it, when it could not be dealt with: it comes again, to this consumer or another,
 * when it was idle for [property@Tornadis.StreamConsumer:claim-idle-msec].
 *
 * Returns: %TRUE if it was pending; %FALSE if it was acknowledged or released before, and nothing is done
 *
 * Since: 1.0
 */
gboolean
tornadis_stream_consumer_release (TornadisStreamConsumer *self,
                                  TornadisStreamEntry *entry)
{
  g_return_val_if_fail (TORNADIS_IS_STREAM_CONSUMER (self), FALSE);
  g_return_val_if_fail (entry != NULL, FALSE);

  if (!consumer_release (self, entry))
    return FALSE;

  consumer_released (self);

  return TRUE;
}

/**
 * tornadis_stream_consumer_release_ids:
 * @self: a consumer
 * @ids: (array zero-terminated=1): ids of entries that it has told
 *
 * Gives entries up as [method@Tornadis.StreamConsumer.release]. Ids of entries that are not pending are left out.
 *
 * Since: 1.0
 */
void
tornadis_stream_consumer_release_ids (TornadisStreamConsumer *self,
                                      const char *const *ids)
{
  g_return_if_fail (TORNADIS_IS_STREAM_CONSUMER (self));
  g_return_if_fail (ids != NULL);

  for (guint i = 0; ids[i] != NULL; i++)
    {
      TornadisStreamEntry key;

      if (tornadis_stream_entry_set_key (&key, ids[i]))
        consumer_release (self, &key);
    }
  consumer_released (self);
}

static void
tornadis_stream_consumer_get_property (GObject *object,
                                       guint prop_id,
                                       GValue *value,
                                       GParamSpec *pspec)
{
  TornadisStreamConsumer *self = TORNADIS_STREAM_CONSUMER (object);

  switch ((TornadisStreamConsumerProperty) prop_id)
    {
    case PROP_GROUP:
      g_value_set_string (value, self->group);
      break;
    case PROP_CONSUMER_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_CLAIM_IDLE_MSEC:
      g_value_set_uint (value, self->claim_idle_msec);
      break;
    case PROP_MAX_DELIVERIES:
      g_value_set_uint (value, self->max_deliveries);
      break;
    case PROP_DEAD_LETTER_STREAM:
      g_value_set_string (value, self->dead_letter_stream);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_stream_consumer_set_property (GObject *object,
                                       guint prop_id,
                                       const GValue *value,
                                       GParamSpec *pspec)
{
  TornadisStreamConsumer *self = TORNADIS_STREAM_CONSUMER (object);
  const char *text;

  switch ((TornadisStreamConsumerProperty) prop_id)
    {
    case PROP_GROUP:
      text = g_value_get_string (value);
      self->group = g_strdup (text != NULL ? text : "");
      break;
    case PROP_CONSUMER_NAME:
      text = g_value_get_string (value);
      self->name = g_strdup (text != NULL ? text : "");
      break;
    case PROP_CLAIM_IDLE_MSEC:
      tornadis_stream_consumer_set_claim_idle_msec (self, g_value_get_uint (value));
      break;
    case PROP_MAX_DELIVERIES:
      tornadis_stream_consumer_set_max_deliveries (self, g_value_get_uint (value));
      break;
    case PROP_DEAD_LETTER_STREAM:
      tornadis_stream_consumer_set_dead_letter_stream (self, g_value_get_string (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_stream_consumer_constructed (GObject *object)
{
  TornadisStreamConsumer *self = TORNADIS_STREAM_CONSUMER (object);
  TornadisCaller *caller;

  G_OBJECT_CLASS (tornadis_stream_consumer_parent_class)->constructed (object);

  caller = tornadis_stream_reader_get_caller (TORNADIS_STREAM_READER (self));
  if (caller != NULL)
    self->sender = tornadis_stream_sender_new (caller, self);
}

static void
tornadis_stream_consumer_dispose (GObject *object)
{
  TornadisStreamConsumer *self = TORNADIS_STREAM_CONSUMER (object);

  /* First nothing comes any more: who is told of the end may run a main loop. */
  G_OBJECT_CLASS (tornadis_stream_consumer_parent_class)->dispose (object);

  g_queue_clear_full (&self->uncounted, (GDestroyNotify) tornadis_stream_entry_unref);
  g_hash_table_remove_all (self->pending);
  tornadis_stream_consumer_end_acks (self);
}

static void
tornadis_stream_consumer_finalize (GObject *object)
{
  TornadisStreamConsumer *self = TORNADIS_STREAM_CONSUMER (object);

  g_queue_clear_full (&self->ack_tasks, g_object_unref);
  g_ptr_array_unref (self->acks);
  g_hash_table_unref (self->pending);
  g_hash_table_unref (self->acked);
  g_free (self->group);
  g_free (self->name);
  g_free (self->dead_letter_stream);
  g_free (self->own_position);
  g_free (self->new_position);
  g_free (self->known_position);
  g_free (self->claim_cursor);
  g_free (self->counts_position);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (tornadis_stream_consumer_parent_class)->finalize (object);
}

static void
tornadis_stream_consumer_class_init (TornadisStreamConsumerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = tornadis_stream_consumer_get_property;
  object_class->set_property = tornadis_stream_consumer_set_property;
  object_class->constructed = tornadis_stream_consumer_constructed;
  object_class->dispose = tornadis_stream_consumer_dispose;
  object_class->finalize = tornadis_stream_consumer_finalize;
  TORNADIS_STREAM_READER_CLASS (klass)->hooks = &tornadis_stream_consumer_hooks;

  /**
   * TornadisStreamConsumer:group: (getter get_group)
   *
   * The name of the group.
   *
   * Since: 1.0
   */
  props[PROP_GROUP] =
    g_param_spec_string ("group", NULL, NULL, "",
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisStreamConsumer:consumer-name: (getter get_consumer_name)
   *
   * The name of the consumer, which no other of the group has at the same time. With the same name after a restart it gets
   * what it has left.
   *
   * Since: 1.0
   */
  props[PROP_CONSUMER_NAME] =
    g_param_spec_string ("consumer-name", NULL, NULL, "",
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisStreamConsumer:claim-idle-msec: (getter get_claim_idle_msec) (setter set_claim_idle_msec)
   *
   * After how many milliseconds without acknowledgement an entry is taken over from another consumer; 0: never.
   *
   * Since: 1.0
   */
  props[PROP_CLAIM_IDLE_MSEC] =
    g_param_spec_uint ("claim-idle-msec", NULL, NULL, 0, G_MAXINT32, 60000,
                       G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisStreamConsumer:max-deliveries: (getter get_max_deliveries) (setter set_max_deliveries)
   *
   * How often an entry is delivered at most, before it goes to [property@Tornadis.StreamConsumer:dead-letter-stream]; 0:
   * without end, as when there is none.
   *
   * Since: 1.0
   */
  props[PROP_MAX_DELIVERIES] =
    g_param_spec_uint ("max-deliveries", NULL, NULL, 0, G_MAXINT32, 0,
                       G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  /**
   * TornadisStreamConsumer:dead-letter-stream: (getter get_dead_letter_stream) (setter set_dead_letter_stream)
   *
   * The key of the stream to which entries are added that were delivered too often, with the fields `dead-letter:stream`,
   * `dead-letter:group`, `dead-letter:id` and `dead-letter:deliveries` behind their own. They are acknowledged then.
   *
   * Since: 1.0
   */
  props[PROP_DEAD_LETTER_STREAM] =
    g_param_spec_string ("dead-letter-stream", NULL, NULL, NULL,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);

  /**
   * TornadisStreamConsumer::entry-deleted:
   * @self: the consumer
   * @id: its id
   *
   * Emitted when an entry of the group was deleted or trimmed from the stream before it was acknowledged. It is acknowledged.
   *
   * Servers before Redis 7.0 do not tell the ids of such entries when they are taken over.
   *
   * Since: 1.0
   */
  signals[SIGNAL_ENTRY_DELETED] = g_signal_new ("entry-deleted", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                                NULL, G_TYPE_NONE, 1, G_TYPE_STRING);

  /**
   * TornadisStreamConsumer::entry-buried:
   * @self: the consumer
   * @entry: the entry
   *
   * Emitted when an entry was added to [property@Tornadis.StreamConsumer:dead-letter-stream].
   *
   * Since: 1.0
   */
  signals[SIGNAL_ENTRY_BURIED] = g_signal_new ("entry-buried", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                               NULL, G_TYPE_NONE, 1, TORNADIS_TYPE_STREAM_ENTRY);
}

static void
tornadis_stream_consumer_init (TornadisStreamConsumer *self)
{
  self->pending = g_hash_table_new_full (tornadis_stream_entry_hash, tornadis_stream_entry_equal,
                                         (GDestroyNotify) tornadis_stream_entry_unref, NULL);
  self->acked = g_hash_table_new_full (tornadis_stream_entry_hash, tornadis_stream_entry_equal,
                                       (GDestroyNotify) tornadis_stream_entry_unref, NULL);
  self->own_position = g_strdup ("0");
  self->acks = g_ptr_array_new_with_free_func ((GDestroyNotify) tornadis_stream_entry_unref);
  self->context = g_main_context_ref_thread_default ();
  g_queue_init (&self->uncounted);
  g_queue_init (&self->ack_tasks);
}
