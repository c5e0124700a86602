/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tornadis-glib/data/tornadis-item-private.h"

#include <string.h>

#include "tornadis-glib/data/tornadis-stream-entry-private.h"
#include "tornadis-glib/values/tornadis-reply.h"

/**
 * TornadisItem:
 *
 * A row of a live model: an element of a list, a member of a set, a field of a hash, an entry of a stream, a key.
 *
 * It is the same object for as long as anything holds it and the row is there, so that a view may keep what it knows of it. A
 * model makes it when it is asked for, and until the server has told what it is [property@Tornadis.Item:loading] is %TRUE. A
 * change of a value changes the item, with `notify`, and does not replace it. An item whose row is gone keeps what it had.
 *
 * Since: 1.0
 */

G_DEFINE_FINAL_TYPE (TornadisItem, tornadis_item, G_TYPE_OBJECT)

typedef enum
{
  PROP_KEY = 1,
  PROP_FIELD,
  PROP_NAME,
  PROP_SCORE,
  PROP_BYTES,
  PROP_TEXT,
  PROP_LOADING,
  PROP_ENTRY,
} TornadisItemProperty;

static GParamSpec *props[PROP_ENTRY + 1];

GBytes *
tornadis_item_copy_bytes (gconstpointer data,
                          gsize length)
{
  char *copy = g_malloc (length + 1);
  g_autoptr (GBytes) whole = NULL;

  if (length > 0)
    memcpy (copy, data, length);
  copy[length] = '\0';
  whole = g_bytes_new_take (copy, length + 1);

  return g_bytes_new_from_bytes (whole, 0, length);
}

static const char *
get_text (GBytes *bytes)
{
  const char *data;
  gsize length;

  if (bytes == NULL)
    return NULL;

  data = g_bytes_get_data (bytes, &length);
  if (length == 0)
    return "";

  return g_utf8_validate (data, (gssize) length, NULL) ? data : NULL;
}

/* Whether it is another one now. */
static gboolean
set_bytes (GBytes **field,
           GBytes *bytes)
{
  GBytes *old = *field;

  if (old == bytes || (old != NULL && bytes != NULL && g_bytes_equal (old, bytes)))
    return FALSE;

  *field = bytes != NULL ? g_bytes_ref (bytes) : NULL;
  g_clear_pointer (&old, g_bytes_unref);
  return TRUE;
}

TornadisItem *
tornadis_item_new (GBytes *key)
{
  TornadisItem *self = g_object_new (TORNADIS_TYPE_ITEM, NULL);

  self->key = g_bytes_ref (key);
  self->loading = TRUE;

  return self;
}

void
tornadis_item_set_content (TornadisItem *self,
                           GBytes *field,
                           GBytes *bytes,
                           double score)
{
  gboolean other_field = set_bytes (&self->field, field);
  gboolean other_bytes = set_bytes (&self->bytes, bytes);
  gboolean other_score = !(self->score == score);
  gboolean was_loading = self->loading;

  if (!other_field && !other_bytes && !other_score && !was_loading)
    return;

  self->score = score;
  self->loading = FALSE;

  g_object_freeze_notify (G_OBJECT (self));
  if (other_field)
    {
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_FIELD]);
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_NAME]);
    }
  if (other_bytes)
    {
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_BYTES]);
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_TEXT]);
    }
  if (other_score)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SCORE]);
  if (was_loading)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_LOADING]);
  g_object_thaw_notify (G_OBJECT (self));
}

void
tornadis_item_set_entry (TornadisItem *self,
                         TornadisStreamEntry *entry)
{
  g_autoptr (TornadisStreamEntry) old = NULL;
  g_autoptr (GBytes) id = NULL;
  g_autoptr (GBytes) value = NULL;

  if (self->entry != NULL && tornadis_stream_entry_has_same (self->entry, entry))
    return;

  old = g_steal_pointer (&self->entry);
  self->entry = tornadis_stream_entry_ref (entry);
  id = tornadis_reply_get_bytes (tornadis_reply_get_element (tornadis_stream_entry_get_reply (entry), 0));
  if (tornadis_stream_entry_get_n_fields (entry) > 0)
    value = tornadis_stream_entry_get_field_value (entry, 0);

  g_object_freeze_notify (G_OBJECT (self));
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ENTRY]);
  tornadis_item_set_content (self, id, value, 0);
  g_object_thaw_notify (G_OBJECT (self));
}

gsize
tornadis_item_get_size (TornadisItem *self)
{
  gsize size = sizeof (TornadisItem);

  if (self->field != NULL)
    size += g_bytes_get_size (self->field);
  if (self->bytes != NULL && self->bytes != self->field)
    size += g_bytes_get_size (self->bytes);

  return size;
}

/**
 * tornadis_item_get_key: (get-property key)
 * @self: an item
 *
 * Gets the key that it is of; in a [class@Tornadis.KeyModel] the key that it is.
 *
 * Returns: (transfer none): the key
 *
 * Since: 1.0
 */
GBytes *
tornadis_item_get_key (TornadisItem *self)
{
  g_return_val_if_fail (TORNADIS_IS_ITEM (self), NULL);

  return self->key;
}

/**
 * tornadis_item_get_field: (get-property field)
 * @self: an item
 *
 * Gets the field of a hash, the member of a set or a sorted set, or the ID of a stream's entry.
 *
 * Returns: (transfer none) (nullable): the field, or %NULL while it is loading and for what has none
 *
 * Since: 1.0
 */
GBytes *
tornadis_item_get_field (TornadisItem *self)
{
  g_return_val_if_fail (TORNADIS_IS_ITEM (self), NULL);

  return self->field;
}

/**
 * tornadis_item_get_name: (get-property name)
 * @self: an item
 *
 * Gets [property@Tornadis.Item:field] as text.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL when it is not UTF-8 text
 *
 * Since: 1.0
 */
const char *
tornadis_item_get_name (TornadisItem *self)
{
  g_return_val_if_fail (TORNADIS_IS_ITEM (self), NULL);

  return get_text (self->field);
}

/**
 * tornadis_item_get_score: (get-property score)
 * @self: an item
 *
 * Gets the score of a member of a sorted set.
 *
 * Returns: the score, 0 for what has none
 *
 * Since: 1.0
 */
double
tornadis_item_get_score (TornadisItem *self)
{
  g_return_val_if_fail (TORNADIS_IS_ITEM (self), 0);

  return self->score;
}

/**
 * tornadis_item_get_bytes: (get-property bytes)
 * @self: an item
 *
 * Gets what is shown of it: the element of a list, the member of a set or sorted set, the value in a hash, that of the first field of
 * a stream's entry, or the key.
 *
 * Returns: (transfer none) (nullable): the bytes, or %NULL while it is loading
 *
 * Since: 1.0
 */
GBytes *
tornadis_item_get_bytes (TornadisItem *self)
{
  g_return_val_if_fail (TORNADIS_IS_ITEM (self), NULL);

  return self->bytes;
}

/**
 * tornadis_item_get_text: (get-property text)
 * @self: an item
 *
 * Gets [property@Tornadis.Item:bytes] as text.
 *
 * Returns: (transfer none) (nullable): the text, or %NULL when it is not UTF-8 text or is loading
 *
 * Since: 1.0
 */
const char *
tornadis_item_get_text (TornadisItem *self)
{
  g_return_val_if_fail (TORNADIS_IS_ITEM (self), NULL);

  return get_text (self->bytes);
}

/**
 * tornadis_item_get_loading: (get-property loading)
 * @self: an item
 *
 * Gets whether the server has not told yet what it is.
 *
 * Returns: whether it is loading
 *
 * Since: 1.0
 */
gboolean
tornadis_item_get_loading (TornadisItem *self)
{
  g_return_val_if_fail (TORNADIS_IS_ITEM (self), FALSE);

  return self->loading;
}

/**
 * tornadis_item_get_entry: (get-property entry)
 * @self: an item
 *
 * Gets the entry of a stream that it is in a [class@Tornadis.StreamModel], which has the fields.
 *
 * Returns: (transfer none) (nullable): the entry, or %NULL for what is none
 *
 * Since: 1.0
 */
TornadisStreamEntry *
tornadis_item_get_entry (TornadisItem *self)
{
  g_return_val_if_fail (TORNADIS_IS_ITEM (self), NULL);

  return self->entry;
}

static void
tornadis_item_get_property (GObject *object,
                            guint prop_id,
                            GValue *value,
                            GParamSpec *pspec)
{
  TornadisItem *self = TORNADIS_ITEM (object);

  switch ((TornadisItemProperty) prop_id)
    {
    case PROP_KEY:
      g_value_set_boxed (value, self->key);
      break;
    case PROP_FIELD:
      g_value_set_boxed (value, self->field);
      break;
    case PROP_NAME:
      g_value_set_string (value, get_text (self->field));
      break;
    case PROP_SCORE:
      g_value_set_double (value, self->score);
      break;
    case PROP_BYTES:
      g_value_set_boxed (value, self->bytes);
      break;
    case PROP_TEXT:
      g_value_set_string (value, get_text (self->bytes));
      break;
    case PROP_LOADING:
      g_value_set_boolean (value, self->loading);
      break;
    case PROP_ENTRY:
      g_value_set_boxed (value, self->entry);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_item_finalize (GObject *object)
{
  TornadisItem *self = TORNADIS_ITEM (object);

  g_assert (!self->kept && self->state == TORNADIS_ITEM_SETTLED);
  g_clear_pointer (&self->key, g_bytes_unref);
  g_clear_pointer (&self->field, g_bytes_unref);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_clear_pointer (&self->coming, g_bytes_unref);
  g_clear_pointer (&self->entry, tornadis_stream_entry_unref);

  G_OBJECT_CLASS (tornadis_item_parent_class)->finalize (object);
}

static void
tornadis_item_class_init (TornadisItemClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = tornadis_item_get_property;
  object_class->finalize = tornadis_item_finalize;

  /**
   * TornadisItem:key: (getter get_key)
   *
   * The key that it is of; in a [class@Tornadis.KeyModel] the key that it is.
   *
   * Since: 1.0
   */
  props[PROP_KEY] = g_param_spec_boxed ("key", NULL, NULL, G_TYPE_BYTES, flags);

  /**
   * TornadisItem:field: (getter get_field)
   *
   * The field of a hash, the member of a set or a sorted set, or the ID of a stream's entry.
   *
   * Since: 1.0
   */
  props[PROP_FIELD] = g_param_spec_boxed ("field", NULL, NULL, G_TYPE_BYTES, flags);

  /**
   * TornadisItem:name: (getter get_name)
   *
   * [property@Tornadis.Item:field] as text, %NULL when it is not UTF-8 text.
   *
   * Since: 1.0
   */
  props[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);

  /**
   * TornadisItem:score: (getter get_score)
   *
   * The score of a member of a sorted set.
   *
   * Since: 1.0
   */
  props[PROP_SCORE] = g_param_spec_double ("score", NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, 0, flags);

  /**
   * TornadisItem:bytes: (getter get_bytes)
   *
   * What is shown of it: the element of a list, the member of a set or sorted set, the value in a hash, that of the first field of
   * a stream's entry, or the key.
   *
   * Since: 1.0
   */
  props[PROP_BYTES] = g_param_spec_boxed ("bytes", NULL, NULL, G_TYPE_BYTES, flags);

  /**
   * TornadisItem:text: (getter get_text)
   *
   * [property@Tornadis.Item:bytes] as text, %NULL when it is not UTF-8 text.
   *
   * Since: 1.0
   */
  props[PROP_TEXT] = g_param_spec_string ("text", NULL, NULL, NULL, flags);

  /**
   * TornadisItem:loading: (getter get_loading)
   *
   * Whether the server has not told yet what it is.
   *
   * Since: 1.0
   */
  props[PROP_LOADING] = g_param_spec_boolean ("loading", NULL, NULL, FALSE, flags);

  /**
   * TornadisItem:entry: (getter get_entry)
   *
   * The entry of a stream that it is in a [class@Tornadis.StreamModel], %NULL for what is none.
   *
   * Since: 1.0
   */
  props[PROP_ENTRY] = g_param_spec_boxed ("entry", NULL, NULL, TORNADIS_TYPE_STREAM_ENTRY, flags);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
tornadis_item_init (TornadisItem *self)
{
  self->position = TORNADIS_ITEM_NOWHERE;
  self->wanted_link.data = self;
  self->kept_link.data = self;
}
