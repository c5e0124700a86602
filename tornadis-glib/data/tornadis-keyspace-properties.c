/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The properties of TornadisKeyspace. */

#include "tornadis-glib/data/tornadis-keyspace-private.h"

typedef enum
{
  PROP_CLIENT = 1,
  PROP_PATTERN,
  PROP_EVENT,
  PROP_DB,
  PROP_SUBKEYS,
  PROP_CONFIGURE,
  PROP_CLASSES,
  PROP_ACTIVE,
  PROP_CHECKED,
  PROP_HAS_SUBKEYS,
} TornadisKeyspaceProperty;

static GParamSpec *props[PROP_HAS_SUBKEYS + 1];

/**
 * tornadis_keyspace_get_client: (get-property client)
 * @self: a keyspace
 *
 * Gets the client that its connection is like.
 *
 * Returns: (transfer none) (nullable): the client
 *
 * Since: 1.0
 */
TornadisClient *
tornadis_keyspace_get_client (TornadisKeyspace *self)
{
  g_return_val_if_fail (TORNADIS_IS_KEYSPACE (self), NULL);

  return self->client;
}

/**
 * tornadis_keyspace_get_pattern: (get-property pattern)
 * @self: a keyspace
 *
 * Gets which keys it tells of.
 *
 * Returns: (transfer none) (nullable): the pattern, or %NULL for all keys
 *
 * Since: 1.0
 */
GBytes *
tornadis_keyspace_get_pattern (TornadisKeyspace *self)
{
  g_return_val_if_fail (TORNADIS_IS_KEYSPACE (self), NULL);

  return self->pattern;
}

/**
 * tornadis_keyspace_get_event: (get-property event)
 * @self: a keyspace
 *
 * Gets which event it tells of.
 *
 * Returns: (nullable): the name of the event, or %NULL for all
 *
 * Since: 1.0
 */
const char *
tornadis_keyspace_get_event (TornadisKeyspace *self)
{
  g_return_val_if_fail (TORNADIS_IS_KEYSPACE (self), NULL);

  return self->event;
}

/**
 * tornadis_keyspace_get_db: (get-property db)
 * @self: a keyspace
 *
 * Gets the number of the database.
 *
 * Returns: the number, or -1 for that of the client
 *
 * Since: 1.0
 */
int
tornadis_keyspace_get_db (TornadisKeyspace *self)
{
  g_return_val_if_fail (TORNADIS_IS_KEYSPACE (self), -1);

  return self->db;
}

/**
 * tornadis_keyspace_get_subkeys: (get-property subkeys)
 * @self: a keyspace
 *
 * Gets whether it is to tell of fields too.
 *
 * Returns: %TRUE if it does where the server can
 *
 * Since: 1.0
 */
gboolean
tornadis_keyspace_get_subkeys (TornadisKeyspace *self)
{
  g_return_val_if_fail (TORNADIS_IS_KEYSPACE (self), FALSE);

  return self->subkeys;
}

/**
 * tornadis_keyspace_get_configure: (get-property configure)
 * @self: a keyspace
 *
 * Gets whether it turns notifications on.
 *
 * Returns: %TRUE if it changes the server's setting
 *
 * Since: 1.0
 */
gboolean
tornadis_keyspace_get_configure (TornadisKeyspace *self)
{
  g_return_val_if_fail (TORNADIS_IS_KEYSPACE (self), FALSE);

  return self->configure;
}

/**
 * tornadis_keyspace_get_classes: (get-property classes)
 * @self: a keyspace
 *
 * Gets the classes of events that are needed.
 *
 * Returns: (nullable): their letters
 *
 * Since: 1.0
 */
const char *
tornadis_keyspace_get_classes (TornadisKeyspace *self)
{
  g_return_val_if_fail (TORNADIS_IS_KEYSPACE (self), NULL);

  return self->classes;
}

/**
 * tornadis_keyspace_get_active: (get-property active)
 * @self: a keyspace
 *
 * Gets whether it has been started.
 *
 * Returns: %TRUE if notifications are told
 *
 * Since: 1.0
 */
gboolean
tornadis_keyspace_get_active (TornadisKeyspace *self)
{
  g_return_val_if_fail (TORNADIS_IS_KEYSPACE (self), FALSE);

  return self->active;
}

/**
 * tornadis_keyspace_get_checked: (get-property checked)
 * @self: a keyspace
 *
 * Gets whether the server has said that notifications are on.
 *
 * Returns: %FALSE if it is not known
 *
 * Since: 1.0
 */
gboolean
tornadis_keyspace_get_checked (TornadisKeyspace *self)
{
  g_return_val_if_fail (TORNADIS_IS_KEYSPACE (self), FALSE);

  return self->setting.is_checked;
}

/**
 * tornadis_keyspace_get_has_subkeys: (get-property has-subkeys)
 * @self: a keyspace
 *
 * Gets whether the server has said that it tells of fields.
 *
 * Returns: %TRUE if [signal@Tornadis.Keyspace::subkey-changed] is emitted
 *
 * Since: 1.0
 */
gboolean
tornadis_keyspace_get_has_subkeys (TornadisKeyspace *self)
{
  g_return_val_if_fail (TORNADIS_IS_KEYSPACE (self), FALSE);

  return self->setting.has_subkeys;
}

static void
tornadis_keyspace_get_property (GObject *object,
                                guint prop_id,
                                GValue *value,
                                GParamSpec *pspec)
{
  TornadisKeyspace *self = TORNADIS_KEYSPACE (object);

  switch ((TornadisKeyspaceProperty) prop_id)
    {
    case PROP_CLIENT:
      g_value_set_object (value, self->client);
      break;
    case PROP_PATTERN:
      g_value_set_boxed (value, self->pattern);
      break;
    case PROP_EVENT:
      g_value_set_string (value, self->event);
      break;
    case PROP_DB:
      g_value_set_int (value, self->db);
      break;
    case PROP_SUBKEYS:
      g_value_set_boolean (value, self->subkeys);
      break;
    case PROP_CONFIGURE:
      g_value_set_boolean (value, self->configure);
      break;
    case PROP_CLASSES:
      g_value_set_string (value, self->classes);
      break;
    case PROP_ACTIVE:
      g_value_set_boolean (value, self->active);
      break;
    case PROP_CHECKED:
      g_value_set_boolean (value, self->setting.is_checked);
      break;
    case PROP_HAS_SUBKEYS:
      g_value_set_boolean (value, self->setting.has_subkeys);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_keyspace_set_property (GObject *object,
                                guint prop_id,
                                const GValue *value,
                                GParamSpec *pspec)
{
  TornadisKeyspace *self = TORNADIS_KEYSPACE (object);

  switch ((TornadisKeyspaceProperty) prop_id)
    {
    case PROP_CLIENT:
      self->client = g_value_dup_object (value);
      break;
    case PROP_PATTERN:
      self->pattern = g_value_dup_boxed (value);
      break;
    case PROP_EVENT:
      self->event = g_value_dup_string (value);
      break;
    case PROP_DB:
      self->db = g_value_get_int (value);
      break;
    case PROP_SUBKEYS:
      self->subkeys = g_value_get_boolean (value);
      break;
    case PROP_CONFIGURE:
      self->configure = g_value_get_boolean (value);
      break;
    case PROP_CLASSES:
      self->classes = g_value_dup_string (value);
      break;
    case PROP_ACTIVE:
    case PROP_CHECKED:
    case PROP_HAS_SUBKEYS:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

void
tornadis_keyspace_install_properties (GObjectClass *object_class)
{
  const GParamFlags construct_only =
    G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags read_only = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * TornadisKeyspace:client: (getter get_client)
   *
   * What its connection is like: the properties of this client as they are when it is started, and its plugins.
   *
   * Since: 1.0
   */
  props[PROP_CLIENT] = g_param_spec_object ("client", NULL, NULL, TORNADIS_TYPE_CLIENT, construct_only);

  /**
   * TornadisKeyspace:pattern: (getter get_pattern)
   *
   * The keys that it tells of, as `KEYS` takes a pattern: `session:*`. A backslash takes the meaning from what follows it. %NULL
   * is all keys. They are named as they are on the server, where a plugin such as `key-prefix` calls them something else too.
   *
   * The server chooses by this; it needs `K` in its setting for it.
   *
   * Since: 1.0
   */
  props[PROP_PATTERN] = g_param_spec_boxed ("pattern", NULL, NULL, G_TYPE_BYTES, construct_only);

  /**
   * TornadisKeyspace:event: (getter get_event)
   *
   * The only event that it tells of, such as `expired`, or %NULL for all.
   *
   * Without a [property@Tornadis.Keyspace:pattern] the server chooses by this, for which it needs `E` in its setting; else what
   * comes is chosen from. For several events connect to several details of [signal@Tornadis.Keyspace::changed].
   *
   * Since: 1.0
   */
  props[PROP_EVENT] = g_param_spec_string ("event", NULL, NULL, NULL, construct_only);

  /**
   * TornadisKeyspace:db: (getter get_db)
   *
   * The number of the database whose keys it tells of, or -1 for [property@Tornadis.Client:db] of the client when it is started.
   *
   * Since: 1.0
   */
  props[PROP_DB] = g_param_spec_int ("db", NULL, NULL, -1, G_MAXINT, -1, construct_only);

  /**
   * TornadisKeyspace:subkeys: (getter get_subkeys)
   *
   * Whether it tells of fields of hashes as well, by [signal@Tornadis.Keyspace::subkey-changed], where the server can: since
   * Redis 8.8, with `S` in its setting, or `T` if it is by [property@Tornadis.Keyspace:event].
   *
   * Since: 1.0
   */
  props[PROP_SUBKEYS] = g_param_spec_boolean ("subkeys", NULL, NULL, FALSE, construct_only);

  /**
   * TornadisKeyspace:configure: (getter get_configure)
   *
   * Whether it turns notifications on, by `CONFIG SET notify-keyspace-events`, with what the setting has already and what is
   * needed. That is for all clients of the server, until it ends; the user needs the right to it. After every loss of the
   * connection it is seen to again, and with the plugin `cluster` at all nodes. Nothing turns them off.
   *
   * When several programs change the setting in the same moment, one may undo what another does.
   *
   * Since: 1.0
   */
  props[PROP_CONFIGURE] = g_param_spec_boolean ("configure", NULL, NULL, FALSE, construct_only);

  /**
   * TornadisKeyspace:classes: (getter get_classes)
   *
   * The letters of the classes of events that the server's setting has to have, such as `xe` for what expires and is evicted, of
   * `g$lshzxetdmnoc` as the server knows them; `A` is all up to `d`. With %NULL any will do, and
   * [property@Tornadis.Keyspace:configure] turns on `A` if there is none.
   *
   * Since: 1.0
   */
  props[PROP_CLASSES] = g_param_spec_string ("classes", NULL, NULL, NULL, construct_only);

  /**
   * TornadisKeyspace:active: (getter get_active)
   *
   * Whether notifications are told: from when it has started until it is stopped, or
   * [signal@Tornadis.Keyspace::disabled] is emitted. It stays so while the connection is lost.
   *
   * Since: 1.0
   */
  props[PROP_ACTIVE] = g_param_spec_boolean ("active", NULL, NULL, FALSE, read_only);

  /**
   * TornadisKeyspace:checked: (getter get_checked)
   *
   * Whether the server has said that notifications are on. %FALSE after a start says that it does not let the setting be looked
   * at, as managed servers do: that nothing is told may then mean that they are off. Of a cluster, one node has been asked.
   *
   * Since: 1.0
   */
  props[PROP_CHECKED] = g_param_spec_boolean ("checked", NULL, NULL, FALSE, read_only);

  /**
   * TornadisKeyspace:has-subkeys: (getter get_has_subkeys)
   *
   * Whether [property@Tornadis.Keyspace:subkeys] are wanted, and the server has said that it publishes them.
   *
   * Since: 1.0
   */
  props[PROP_HAS_SUBKEYS] = g_param_spec_boolean ("has-subkeys", NULL, NULL, FALSE, read_only);

  object_class->get_property = tornadis_keyspace_get_property;
  object_class->set_property = tornadis_keyspace_set_property;
  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}
