/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-record.h"

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/data/tornadis-record-private.h"
#include "tornadis-glib/data/tornadis-waiters-private.h"
#include "tornadis-glib/tornadis-error.h"

/**
 * TornadisRecord:
 *
 * An object whose properties are the fields of a hash on the server.
 *
 * Derive from it and install properties: those that are readable and writable are fields of the hash, of the same name. Whoever
 * sets one writes the field, and what others write sets the property, so that `g_object_bind_property()` to a label, an entry or
 * a switch works in both directions and across programs:
 *
 * ```c
 * static void
 * loaded_cb (GObject *lamp, GAsyncResult *result, gpointer button)
 * {
 *   if (tornadis_record_load_finish (TORNADIS_RECORD (lamp), result, NULL))
 *     g_object_bind_property (lamp, "on", button, "active", G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);
 * }
 *
 * static void
 * show (TornadisRecord *lamp, GObject *button)
 * {
 *   tornadis_record_load_async (lamp, NULL, loaded_cb, button);
 * }
 * ```
 *
 * Without a class of its own a record has the fields of a dictionary, [property@Tornadis.Record:fields], which
 * [method@Tornadis.Record.get_field] and [method@Tornadis.Record.set_field] get and set.
 *
 * All its properties may be set in any order until [method@Tornadis.Record.load_async], as a `.ui` file does; what a program
 * sets before that is not written, and the server's values replace it.
 *
 * # What is promised
 *
 * What is set in one turn of the main loop goes out in one `HSET`, and one such is under way at a time: what is set meanwhile goes
 * out after it, the last value of each field. [method@Tornadis.Record.flush_async] waits until all is written. A record that is
 * dropped sends what is still to be written, and nobody learns whether that was done.
 *
 * What others write is told as to a [class@Tornadis.LiveModel]: by keyspace notifications where they are enabled
 * (`notify-keyspace-events Kghxe$`), and otherwise by tracking, which needs no configuration and comes in RESP3 alone. Then the hash
 * is read as a whole, once for all changes that come meanwhile, and only properties that differ are set. What a record has written
 * itself and comes back sets nothing, nor does it replace what is being written. After a loss of the connection it is read anew.
 * Notifications tell nothing of `FLUSHDB` and `FLUSHALL`.
 *
 * When two write the same field, the server's value is the one that came last, and all records come to have it. Whose value was
 * replaced before it was read back is told by [signal@Tornadis.Record::conflict]. A write that fails is told by
 * [signal@Tornadis.Record::write-failed], and what the server has is put back.
 *
 * A field that is deleted, or the whole key, has its property at its default.
 *
 * # What a field looks like
 *
 * | type of the property | text of the field |
 * |---|---|
 * | boolean | `1` or `0`; `true` and `false` are read too |
 * | integers | decimal |
 * | float, double | as in C: `0.5` |
 * | string | UTF-8 |
 * | enumeration | its nick; a number is read too |
 * | flags | their nicks, with commas between |
 * | [struct@GLib.Bytes] | the bytes |
 * | [struct@GLib.DateTime] | ISO 8601 |
 * | [struct@GLib.Variant] | its text format, with types |
 * | others | what `g_value_transform()` makes of them to and from a string; without that they are no fields |
 *
 * A string or another value that is %NULL deletes the field. What is no value of the property, or out of its bounds, leaves it as it
 * is and is told by [signal@Tornadis.Record::invalid].
 *
 * Each record has a connection on which it is told; for many keys at once there are [class@Tornadis.HashModel] and other models.
 *
 * It belongs to the thread-default main context in which it is created, as its client does.
 *
 * Since: 1.0
 */

G_DEFINE_TYPE_WITH_PRIVATE (TornadisRecord, tornadis_record, G_TYPE_OBJECT)

GParamSpec *tornadis_record_props[PROP_ERROR + 1];
guint tornadis_record_signals[SIGNAL_INVALID + 1];

TornadisRecordPrivate *
tornadis_record_get_private (TornadisRecord *self)
{
  return tornadis_record_get_instance_private (self);
}

static void
tornadis_record_dispatch_properties_changed (GObject *object,
                                             guint n_pspecs,
                                             GParamSpec **pspecs)
{
  TornadisRecord *self = TORNADIS_RECORD (object);
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);

  for (guint i = 0; priv->tracking && i < n_pspecs; i++)
    {
      TornadisRecordField *field = g_hash_table_lookup (priv->fields_by_name, pspecs[i]->name);

      if (field != NULL && field->pspec != NULL)
        tornadis_record_look (self, field);
    }

  G_OBJECT_CLASS (tornadis_record_parent_class)->dispatch_properties_changed (object, n_pspecs, pspecs);
}

/* (nullable) (transfer full): what is to be returned later. */
static GTask *
record_new_task (TornadisRecord *self,
                 GCancellable *cancellable,
                 GAsyncReadyCallback callback,
                 gpointer user_data,
                 gpointer source_tag)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, source_tag);
  if (g_task_return_error_if_cancelled (task))
    return NULL;
  if (tornadis_record_get_private (self)->disposed)
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "The record is disposed");
      return NULL;
    }

  return g_steal_pointer (&task);
}

/**
 * tornadis_record_load_async:
 * @self: a record
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when it has been read, or could not be
 * @user_data: passed to @callback
 *
 * Reads all fields and begins to follow them. What is set from now on is written.
 *
 * A record that has been loaded is read once more, and follows again if it did not any more.
 *
 * Since: 1.0
 */
void
tornadis_record_load_async (TornadisRecord *self,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  TornadisRecordPrivate *priv;
  g_autoptr (GTask) task = NULL;
  gboolean is_live, is_reading;

  g_return_if_fail (TORNADIS_IS_RECORD (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  priv = tornadis_record_get_private (self);
  task = record_new_task (self, cancellable, callback, user_data, tornadis_record_load_async);
  if (task == NULL)
    return;
  if (priv->client == NULL || priv->key == NULL)
    {
      g_task_return_new_error (task, TORNADIS_ERROR, TORNADIS_ERROR_USAGE, "The record has no %s",
                               priv->client == NULL ? "client" : "key");
      return;
    }

  is_live = priv->watch != NULL && tornadis_model_watch_is_live (priv->watch);
  is_reading = !priv->loaded && priv->cancellable != NULL;
  if (!is_live && priv->loaded && g_queue_is_empty (&priv->loads))
    tornadis_record_stop (self);
  if (!priv->tracking)
    tornadis_record_track (self);
  tornadis_record_wait (&priv->loads, task);
  if (is_live || is_reading)
    tornadis_record_set_stale (self);
  else if (priv->watch == NULL)
    tornadis_record_follow (self);
}

/**
 * tornadis_record_load_finish:
 * @self: a record
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.Record.load_async]. Errors are those of [method@Tornadis.Client.call_finish] and of
 * [method@Tornadis.PubSubClient.subscribe_finish], and:
 *
 * * %TORNADIS_ERROR_USAGE: it has no client or no key; or the server tells of no changes, as it has notifications off and no
 *   tracking.
 *
 * Returns: whether it has been read
 *
 * Since: 1.0
 */
gboolean
tornadis_record_load_finish (TornadisRecord *self,
                             GAsyncResult *result,
                             GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_RECORD (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * tornadis_record_flush_async:
 * @self: a record
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async) (nullable): called when nothing is to be written any more, or a write has failed
 * @user_data: passed to @callback
 *
 * Waits until all that was set is on the server. Cancelling ends the waiting, not the writes.
 *
 * Since: 1.0
 */
void
tornadis_record_flush_async (TornadisRecord *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  TornadisRecordPrivate *priv;
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (TORNADIS_IS_RECORD (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  priv = tornadis_record_get_private (self);
  task = record_new_task (self, cancellable, callback, user_data, tornadis_record_flush_async);
  if (task == NULL)
    return;

  if (!priv->writing && !tornadis_record_is_dirty (self))
    g_task_return_boolean (task, TRUE);
  else
    tornadis_record_wait (&priv->flushes, task);
}

/**
 * tornadis_record_flush_finish:
 * @self: a record
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Tornadis.Record.flush_async]. Errors are those that [signal@Tornadis.Record::write-failed] tells.
 *
 * Returns: whether all is written
 *
 * Since: 1.0
 */
gboolean
tornadis_record_flush_finish (TornadisRecord *self,
                              GAsyncResult *result,
                              GError **error)
{
  g_return_val_if_fail (TORNADIS_IS_RECORD (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * tornadis_record_new:
 * @client: what reads and writes
 * @key: the key of the hash
 * @fields: (nullable): a dictionary `a{sv}` of the fields and their defaults; a floating one is taken over
 *
 * Creates a record without a class of its own. Nothing is sent before [method@Tornadis.Record.load_async].
 *
 * Returns: (transfer full): a new record
 *
 * Since: 1.0
 */
TornadisRecord *
tornadis_record_new (TornadisClient *client,
                     const char *key,
                     GVariant *fields)
{
  g_autoptr (GVariant) dictionary = fields != NULL ? g_variant_ref_sink (fields) : NULL;

  g_return_val_if_fail (TORNADIS_IS_CLIENT (client), NULL);
  g_return_val_if_fail (key != NULL, NULL);
  g_return_val_if_fail (fields == NULL || g_variant_is_of_type (fields, G_VARIANT_TYPE_VARDICT), NULL);

  return g_object_new (TORNADIS_TYPE_RECORD, "client", client, "key", key, "fields", dictionary, NULL);
}

/**
 * tornadis_record_get_client: (get-property client)
 * @self: a record
 *
 * Gets the client that reads and writes.
 *
 * Returns: (transfer none) (nullable): the client
 *
 * Since: 1.0
 */
TornadisClient *
tornadis_record_get_client (TornadisRecord *self)
{
  g_return_val_if_fail (TORNADIS_IS_RECORD (self), NULL);

  return tornadis_record_get_private (self)->client;
}

/* Of which hash it is stays as it is from the beginning of a load on. */
static gboolean
record_is_at_rest (TornadisRecord *self)
{
  return !tornadis_record_get_private (self)->tracking;
}

/**
 * tornadis_record_set_client: (set-property client)
 * @self: a record
 * @client: (nullable): a client, which is no pub/sub client
 *
 * Sets the client that reads and writes. It can't be changed once [method@Tornadis.Record.load_async] was called.
 *
 * Since: 1.0
 */
void
tornadis_record_set_client (TornadisRecord *self,
                            TornadisClient *client)
{
  g_return_if_fail (TORNADIS_IS_RECORD (self));
  g_return_if_fail (client == NULL || TORNADIS_IS_CLIENT (client));
  g_return_if_fail (record_is_at_rest (self));

  if (g_set_object (&tornadis_record_get_private (self)->client, client))
    g_object_notify_by_pspec (G_OBJECT (self), tornadis_record_props[PROP_CLIENT]);
}

/**
 * tornadis_record_get_key: (get-property key)
 * @self: a record
 *
 * Gets the key of the hash.
 *
 * Returns: (transfer none) (nullable): the key
 *
 * Since: 1.0
 */
const char *
tornadis_record_get_key (TornadisRecord *self)
{
  g_return_val_if_fail (TORNADIS_IS_RECORD (self), NULL);

  return tornadis_record_get_private (self)->key;
}

/**
 * tornadis_record_set_key: (set-property key)
 * @self: a record
 * @key: (nullable): a key
 *
 * Sets the key of the hash. It can't be changed once [method@Tornadis.Record.load_async] was called.
 *
 * Since: 1.0
 */
void
tornadis_record_set_key (TornadisRecord *self,
                         const char *key)
{
  TornadisRecordPrivate *priv;

  g_return_if_fail (TORNADIS_IS_RECORD (self));
  g_return_if_fail (record_is_at_rest (self));

  priv = tornadis_record_get_private (self);
  if (g_strcmp0 (priv->key, key) == 0)
    return;

  g_free (priv->key);
  priv->key = g_strdup (key);
  g_object_notify_by_pspec (G_OBJECT (self), tornadis_record_props[PROP_KEY]);
}

/**
 * tornadis_record_get_fields: (get-property fields)
 * @self: a record
 *
 * Gets the fields that are no properties, and their defaults.
 *
 * Returns: (transfer none) (nullable): a dictionary `a{sv}`
 *
 * Since: 1.0
 */
GVariant *
tornadis_record_get_fields (TornadisRecord *self)
{
  g_return_val_if_fail (TORNADIS_IS_RECORD (self), NULL);

  return tornadis_record_get_private (self)->dictionary;
}

/**
 * tornadis_record_get_loaded: (get-property loaded)
 * @self: a record
 *
 * Gets whether it has been read.
 *
 * Returns: whether it has
 *
 * Since: 1.0
 */
gboolean
tornadis_record_get_loaded (TornadisRecord *self)
{
  g_return_val_if_fail (TORNADIS_IS_RECORD (self), FALSE);

  return tornadis_record_get_private (self)->loaded;
}

/**
 * tornadis_record_get_live: (get-property live)
 * @self: a record
 *
 * Gets whether it follows what others write.
 *
 * Returns: whether it does
 *
 * Since: 1.0
 */
gboolean
tornadis_record_get_live (TornadisRecord *self)
{
  g_return_val_if_fail (TORNADIS_IS_RECORD (self), FALSE);

  return tornadis_record_get_private (self)->live;
}

/**
 * tornadis_record_get_exists: (get-property exists)
 * @self: a record
 *
 * Gets whether the server had the key when it was read last.
 *
 * Returns: whether it had
 *
 * Since: 1.0
 */
gboolean
tornadis_record_get_exists (TornadisRecord *self)
{
  g_return_val_if_fail (TORNADIS_IS_RECORD (self), FALSE);

  return tornadis_record_get_private (self)->exists;
}

/**
 * tornadis_record_get_error: (get-property error)
 * @self: a record
 *
 * Gets why it could not be read the last time, or does not follow any more.
 *
 * Returns: (transfer none) (nullable): the error
 *
 * Since: 1.0
 */
const GError *
tornadis_record_get_error (TornadisRecord *self)
{
  g_return_val_if_fail (TORNADIS_IS_RECORD (self), NULL);

  return tornadis_record_get_private (self)->error;
}

/**
 * tornadis_record_get_field:
 * @self: a record
 * @name: a name of [property@Tornadis.Record:fields]
 *
 * Gets the value of a field that is no property.
 *
 * Returns: (transfer none) (nullable): the value, or %NULL if there is no such field
 *
 * Since: 1.0
 */
GVariant *
tornadis_record_get_field (TornadisRecord *self,
                           const char *name)
{
  TornadisRecordField *field;

  g_return_val_if_fail (TORNADIS_IS_RECORD (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  field = g_hash_table_lookup (tornadis_record_get_private (self)->fields_by_name, name);

  return field != NULL ? field->variant : NULL;
}

/**
 * tornadis_record_set_field:
 * @self: a record
 * @name: a name of [property@Tornadis.Record:fields]
 * @value: a value of the type that its default has; a floating one is taken over
 *
 * Sets the value of a field that is no property.
 *
 * Returns: whether there is such a field, and the value has its type
 *
 * Since: 1.0
 */
gboolean
tornadis_record_set_field (TornadisRecord *self,
                           const char *name,
                           GVariant *value)
{
  g_autoptr (GVariant) variant = NULL;
  TornadisRecordField *field;

  g_return_val_if_fail (TORNADIS_IS_RECORD (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  variant = g_variant_ref_sink (value);
  field = g_hash_table_lookup (tornadis_record_get_private (self)->fields_by_name, name);
  if (field == NULL || field->variant == NULL || !g_variant_is_of_type (variant, g_variant_get_type (field->fallback)))
    return FALSE;
  if (g_variant_equal (field->variant, variant))
    return TRUE;

  g_variant_unref (field->variant);
  field->variant = g_steal_pointer (&variant);
  tornadis_record_look (self, field);
  g_signal_emit (self, tornadis_record_signals[SIGNAL_FIELD_CHANGED], g_quark_try_string (name), field->name);

  return TRUE;
}

static void
tornadis_record_get_property (GObject *object,
                              guint prop_id,
                              GValue *value,
                              GParamSpec *pspec)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (TORNADIS_RECORD (object));

  switch ((TornadisRecordProperty) prop_id)
    {
    case PROP_CLIENT:
      g_value_set_object (value, priv->client);
      break;
    case PROP_KEY:
      g_value_set_string (value, priv->key);
      break;
    case PROP_FIELDS:
      g_value_set_variant (value, priv->dictionary);
      break;
    case PROP_LOADED:
      g_value_set_boolean (value, priv->loaded);
      break;
    case PROP_LIVE:
      g_value_set_boolean (value, priv->live);
      break;
    case PROP_EXISTS:
      g_value_set_boolean (value, priv->exists);
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, priv->error);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_record_set_property (GObject *object,
                              guint prop_id,
                              const GValue *value,
                              GParamSpec *pspec)
{
  TornadisRecord *self = TORNADIS_RECORD (object);

  switch ((TornadisRecordProperty) prop_id)
    {
    case PROP_CLIENT:
      tornadis_record_set_client (self, g_value_get_object (value));
      break;
    case PROP_KEY:
      tornadis_record_set_key (self, g_value_get_string (value));
      break;
    case PROP_FIELDS:
      tornadis_record_get_private (self)->dictionary = g_value_dup_variant (value);
      break;
    case PROP_LOADED:
    case PROP_LIVE:
    case PROP_EXISTS:
    case PROP_ERROR:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
record_add_field (TornadisRecord *self,
                  TornadisRecordField *field)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);

  g_ptr_array_add (priv->fields, field);
  g_hash_table_insert (priv->fields_by_name, field->name, field);
}

static void
tornadis_record_constructed (GObject *object)
{
  TornadisRecord *self = TORNADIS_RECORD (object);
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);
  g_autofree GParamSpec **pspecs = NULL;
  guint n_pspecs;

  pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (object), &n_pspecs);
  for (guint i = 0; i < n_pspecs; i++)
    {
      TornadisRecordField *field = tornadis_record_field_new_for_property (pspecs[i], TORNADIS_TYPE_RECORD);

      if (field != NULL)
        record_add_field (self, field);
    }

  if (priv->dictionary != NULL)
    {
      GVariantIter iter;
      const char *name;
      GVariant *fallback;

      g_variant_iter_init (&iter, priv->dictionary);
      while (g_variant_iter_loop (&iter, "{&sv}", &name, &fallback))
        if (!g_hash_table_contains (priv->fields_by_name, name))
          record_add_field (self, tornadis_record_field_new_for_entry (name, fallback));
    }

  G_OBJECT_CLASS (tornadis_record_parent_class)->constructed (object);
}

static void
tornadis_record_dispose (GObject *object)
{
  TornadisRecord *self = TORNADIS_RECORD (object);
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);

  if (!priv->disposed)
    {
      g_autoptr (GError) error = g_error_new (TORNADIS_ERROR, TORNADIS_ERROR_CLOSED, "The record is disposed");
      g_autoptr (TornadisPipeline) pipeline = priv->loaded ? tornadis_record_take_changes (self) : NULL;

      priv->disposed = TRUE;
      if (pipeline != NULL)
        tornadis_client_call_pipeline_async (priv->client, pipeline, NULL, NULL, NULL);
      tornadis_record_cancel_source (&priv->source);
      tornadis_record_stop (self);
      tornadis_waiters_return (&priv->loads, error);
      tornadis_waiters_return (&priv->loading, error);
      tornadis_waiters_return (&priv->flushes, error);
    }

  G_OBJECT_CLASS (tornadis_record_parent_class)->dispose (object);
}

static void
tornadis_record_finalize (GObject *object)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (TORNADIS_RECORD (object));

  g_hash_table_unref (priv->fields_by_name);
  g_ptr_array_unref (priv->fields);
  g_clear_object (&priv->client);
  g_free (priv->key);
  g_clear_pointer (&priv->dictionary, g_variant_unref);
  g_clear_error (&priv->error);
  g_clear_error (&priv->why_off);
  g_main_context_unref (priv->context);

  G_OBJECT_CLASS (tornadis_record_parent_class)->finalize (object);
}

static void
tornadis_record_class_init (TornadisRecordClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags writable = readable | G_PARAM_WRITABLE;

  object_class->constructed = tornadis_record_constructed;
  object_class->dispatch_properties_changed = tornadis_record_dispatch_properties_changed;
  object_class->get_property = tornadis_record_get_property;
  object_class->set_property = tornadis_record_set_property;
  object_class->dispose = tornadis_record_dispose;
  object_class->finalize = tornadis_record_finalize;

  /**
   * TornadisRecord:client: (getter get_client) (setter set_client)
   *
   * The client that reads and writes, and what the connection for notifications is like. Nothing that blocks is called on it, so
   * other calls may be made as well. It can't be changed once [method@Tornadis.Record.load_async] was called.
   *
   * Since: 1.0
   */
  tornadis_record_props[PROP_CLIENT] = g_param_spec_object ("client", NULL, NULL, TORNADIS_TYPE_CLIENT, writable);

  /**
   * TornadisRecord:key: (getter get_key) (setter set_key)
   *
   * The key of the hash. It can't be changed once [method@Tornadis.Record.load_async] was called.
   *
   * Since: 1.0
   */
  tornadis_record_props[PROP_KEY] = g_param_spec_string ("key", NULL, NULL, NULL, writable);

  /**
   * TornadisRecord:fields: (getter get_fields)
   *
   * Fields that are no properties: a dictionary of their names and what they are where the server has none, whose types are
   * theirs. A name that is also that of a property is the property.
   *
   * Since: 1.0
   */
  tornadis_record_props[PROP_FIELDS] = g_param_spec_variant ("fields", NULL, NULL, G_VARIANT_TYPE_VARDICT, NULL, writable | G_PARAM_CONSTRUCT_ONLY);

  /**
   * TornadisRecord:loaded: (getter get_loaded)
   *
   * Whether it has been read.
   *
   * Since: 1.0
   */
  tornadis_record_props[PROP_LOADED] = g_param_spec_boolean ("loaded", NULL, NULL, FALSE, readable);

  /**
   * TornadisRecord:live: (getter get_live)
   *
   * Whether it follows what others write. It is %FALSE while a connection is made anew, after which it is read again. To a user
   * who may neither read that setting (`CONFIG GET`) nor have tracking it is %FALSE until the first notification.
   *
   * Since: 1.0
   */
  tornadis_record_props[PROP_LIVE] = g_param_spec_boolean ("live", NULL, NULL, FALSE, readable);

  /**
   * TornadisRecord:exists: (getter get_exists)
   *
   * Whether the server had the key when it was read last.
   *
   * Since: 1.0
   */
  tornadis_record_props[PROP_EXISTS] = g_param_spec_boolean ("exists", NULL, NULL, FALSE, readable);

  /**
   * TornadisRecord:error: (getter get_error)
   *
   * Why it could not be read the last time, or does not follow any more. Once it is loaded both are tried again, later and later up
   * to half a minute, and at once by [method@Tornadis.Record.load_async].
   *
   * Since: 1.0
   */
  tornadis_record_props[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, readable);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (tornadis_record_props), tornadis_record_props);

  /**
   * TornadisRecord::field-changed:
   * @self: the record
   * @name: the name of the field
   *
   * Emitted when a field of [property@Tornadis.Record:fields] has changed, here or on the server. The detail is its name.
   *
   * Since: 1.0
   */
  tornadis_record_signals[SIGNAL_FIELD_CHANGED] = g_signal_new ("field-changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0,
                                                                NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);

  /**
   * TornadisRecord::write-failed:
   * @self: the record
   * @error: why
   *
   * Emitted when fields could not be written, of which none is then tried again: what the server has is read and set. With
   * %TORNADIS_ERROR_LOST or %TORNADIS_ERROR_TIMEOUT they may have been written.
   *
   * Since: 1.0
   */
  tornadis_record_signals[SIGNAL_WRITE_FAILED] = g_signal_new ("write-failed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                               G_TYPE_NONE, 1, G_TYPE_ERROR);

  /**
   * TornadisRecord::conflict:
   * @self: the record
   * @name: the name of the field
   * @value: what was written and is lost: a boolean, a number, a string or, if it is no text, bytes (`ay`); `()` if the field was
   *   deleted
   *
   * Emitted when a field was written, and when it was read after that, another value was there: somebody else has written it
   * at the same time. The field has the server's value then.
   *
   * Since: 1.0
   */
  tornadis_record_signals[SIGNAL_CONFLICT] = g_signal_new ("conflict", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                                           2, G_TYPE_STRING, G_TYPE_VARIANT);

  /**
   * TornadisRecord::invalid:
   * @self: the record
   * @name: the name of the field
   * @text: what the server has
   *
   * Emitted when the server has for a field what is no value of it, once for each such text. The property stays as it is.
   *
   * Since: 1.0
   */
  tornadis_record_signals[SIGNAL_INVALID] = g_signal_new ("invalid", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                                                          G_TYPE_STRING, G_TYPE_BYTES);
}

static void
tornadis_record_init (TornadisRecord *self)
{
  TornadisRecordPrivate *priv = tornadis_record_get_private (self);

  priv->context = g_main_context_ref_thread_default ();
  priv->fields = g_ptr_array_new_with_free_func (tornadis_record_field_free);
  priv->fields_by_name = g_hash_table_new (g_str_hash, g_str_equal);
  priv->again_msec = TORNADIS_RECORD_AGAIN_MSEC;
  g_queue_init (&priv->loads);
  g_queue_init (&priv->loading);
  g_queue_init (&priv->flushes);
}
