/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The properties of TornadisLiveModel. */

#include "tornadis-glib/data/tornadis-live-model-inner-private.h"

#include <string.h>

#include "tornadis-glib/client/tornadis-client.h"
#include "tornadis-glib/data/tornadis-item-private.h"

typedef enum
{
  PROP_CLIENT = 1,
  PROP_KEY,
  PROP_KEY_BYTES,
  PROP_N_ITEMS,
  PROP_READY,
  PROP_LIVE,
  PROP_ERROR,
} TornadisLiveModelProperty;

static GParamSpec *props[PROP_ERROR + 1];

/**
 * tornadis_live_model_get_client: (get-property client)
 * @self: a model
 *
 * Gets the client that reads and edits, to which other calls may be made as well.
 *
 * Returns: (transfer none): the client
 *
 * Since: 1.0
 */
TornadisClient *
tornadis_live_model_get_client (TornadisLiveModel *self)
{
  g_return_val_if_fail (TORNADIS_IS_LIVE_MODEL (self), NULL);

  return tornadis_live_model_get_private (self)->client;
}

/**
 * tornadis_live_model_get_key_bytes: (get-property key-bytes)
 * @self: a model
 *
 * Gets the key that it shows.
 *
 * Returns: (transfer none): the key
 *
 * Since: 1.0
 */
GBytes *
tornadis_live_model_get_key_bytes (TornadisLiveModel *self)
{
  g_return_val_if_fail (TORNADIS_IS_LIVE_MODEL (self), NULL);

  return tornadis_live_model_get_private (self)->key;
}

/**
 * tornadis_live_model_get_key: (get-property key)
 * @self: a model
 *
 * Gets the key that it shows as text.
 *
 * Returns: (transfer none) (nullable): the key, or %NULL when it is not UTF-8 text
 *
 * Since: 1.0
 */
const char *
tornadis_live_model_get_key (TornadisLiveModel *self)
{
  GBytes *key;
  const char *data;
  gsize length;

  g_return_val_if_fail (TORNADIS_IS_LIVE_MODEL (self), NULL);

  key = tornadis_live_model_get_private (self)->key;
  data = g_bytes_get_data (key, &length);

  return g_utf8_validate (data, (gssize) length, NULL) ? data : NULL;
}

/**
 * tornadis_live_model_get_ready: (get-property ready)
 * @self: a model
 *
 * Gets whether the server has told once how much there is.
 *
 * Returns: whether it is ready
 *
 * Since: 1.0
 */
gboolean
tornadis_live_model_get_ready (TornadisLiveModel *self)
{
  g_return_val_if_fail (TORNADIS_IS_LIVE_MODEL (self), FALSE);

  return tornadis_live_model_get_private (self)->ready;
}

/**
 * tornadis_live_model_get_live: (get-property live)
 * @self: a model
 *
 * Gets whether the model follows what happens on the server.
 *
 * Returns: whether it is live
 *
 * Since: 1.0
 */
gboolean
tornadis_live_model_get_live (TornadisLiveModel *self)
{
  g_return_val_if_fail (TORNADIS_IS_LIVE_MODEL (self), FALSE);

  return tornadis_live_model_get_private (self)->live;
}

/**
 * tornadis_live_model_get_error: (get-property error)
 * @self: a model
 *
 * Gets why it could not be read the last time.
 *
 * Returns: (transfer none) (nullable): the error, or %NULL if it could
 *
 * Since: 1.0
 */
const GError *
tornadis_live_model_get_error (TornadisLiveModel *self)
{
  g_return_val_if_fail (TORNADIS_IS_LIVE_MODEL (self), NULL);

  return tornadis_live_model_get_private (self)->error;
}

static void
tornadis_live_model_get_property (GObject *object,
                                  guint prop_id,
                                  GValue *value,
                                  GParamSpec *pspec)
{
  TornadisLiveModel *self = TORNADIS_LIVE_MODEL (object);
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);

  switch ((TornadisLiveModelProperty) prop_id)
    {
    case PROP_CLIENT:
      g_value_set_object (value, priv->client);
      break;
    case PROP_KEY:
      g_value_set_string (value, tornadis_live_model_get_key (self));
      break;
    case PROP_KEY_BYTES:
      g_value_set_boxed (value, priv->key);
      break;
    case PROP_N_ITEMS:
      g_value_set_uint (value, TORNADIS_LIVE_MODEL_GET_CLASS (self)->virtuals->get_n_items (self));
      break;
    case PROP_READY:
      g_value_set_boolean (value, priv->ready);
      break;
    case PROP_LIVE:
      g_value_set_boolean (value, priv->live);
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, priv->error);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
live_model_set_key (TornadisLiveModel *self,
                    gconstpointer data,
                    gsize length)
{
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);

  g_clear_pointer (&priv->key, g_bytes_unref);
  priv->key = tornadis_item_copy_bytes (data, length);
}

static void
tornadis_live_model_set_property (GObject *object,
                                  guint prop_id,
                                  const GValue *value,
                                  GParamSpec *pspec)
{
  TornadisLiveModel *self = TORNADIS_LIVE_MODEL (object);
  TornadisLiveModelPrivate *priv = tornadis_live_model_get_private (self);
  gconstpointer data;
  gsize length;

  switch ((TornadisLiveModelProperty) prop_id)
    {
    case PROP_CLIENT:
      priv->client = g_value_dup_object (value);
      break;
    case PROP_KEY:
      if (g_value_get_string (value) != NULL)
        live_model_set_key (self, g_value_get_string (value), strlen (g_value_get_string (value)));
      break;
    case PROP_KEY_BYTES:
      if (g_value_get_boxed (value) != NULL)
        {
          data = g_bytes_get_data (g_value_get_boxed (value), &length);
          live_model_set_key (self, data, length);
        }
      break;
    case PROP_N_ITEMS:
    case PROP_READY:
    case PROP_LIVE:
    case PROP_ERROR:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

void
tornadis_live_model_install_properties (GObjectClass *object_class)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags construct = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = tornadis_live_model_get_property;
  object_class->set_property = tornadis_live_model_set_property;

  /**
   * TornadisLiveModel:client: (getter get_client)
   *
   * The client that reads and edits. Nothing that blocks is called on it, so other calls may be made as well.
   *
   * Since: 1.0
   */
  props[PROP_CLIENT] = g_param_spec_object ("client", NULL, NULL, TORNADIS_TYPE_CLIENT, construct);

  /**
   * TornadisLiveModel:key: (getter get_key)
   *
   * The key that it shows; of a [class@Tornadis.KeyModel] the pattern. %NULL when it is not UTF-8 text.
   *
   * Since: 1.0
   */
  props[PROP_KEY] = g_param_spec_string ("key", NULL, NULL, NULL, construct);

  /**
   * TornadisLiveModel:key-bytes: (getter get_key_bytes)
   *
   * The same as bytes. Either is given to the constructor.
   *
   * Since: 1.0
   */
  props[PROP_KEY_BYTES] = g_param_spec_boxed ("key-bytes", NULL, NULL, G_TYPE_BYTES, construct);

  /**
   * TornadisLiveModel:n-items:
   *
   * How many items there are, as [method@Gio.ListModel.get_n_items] says.
   *
   * Since: 1.0
   */
  props[PROP_N_ITEMS] = g_param_spec_uint ("n-items", NULL, NULL, 0, G_MAXUINT, 0, readable);

  /**
   * TornadisLiveModel:ready: (getter get_ready)
   *
   * Whether the server has told once how much there is.
   *
   * Since: 1.0
   */
  props[PROP_READY] = g_param_spec_boolean ("ready", NULL, NULL, FALSE, readable);

  /**
   * TornadisLiveModel:live: (getter get_live)
   *
   * Whether the model follows what happens on the server: it is connected, and keyspace notifications are enabled or tracking is on.
   * A user who may neither read that setting (`CONFIG GET`) nor have tracking (`CLIENT TRACKING`) has it %FALSE until the first
   * notification.
   *
   * Since: 1.0
   */
  props[PROP_LIVE] = g_param_spec_boolean ("live", NULL, NULL, FALSE, readable);

  /**
   * TornadisLiveModel:error: (getter get_error)
   *
   * Why it could not be read the last time, %NULL if it could.
   *
   * Since: 1.0
   */
  props[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, readable);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}
