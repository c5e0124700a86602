/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The properties of TornadisScanner. */

#include "tornadis-glib/client/tornadis-caller.h"
#include "tornadis-glib/data/tornadis-scanner-private.h"
#include "tornadis-glib/tornadis-enum-types.h"

typedef enum
{
  PROP_CALLER = 1,
  PROP_KIND,
  PROP_KEY,
  PROP_PATTERN,
  PROP_KEY_TYPE,
  PROP_COUNT,
  PROP_UNIQUE,
  PROP_MAX_UNIQUE_BYTES,
} TornadisScannerProperty;

static GParamSpec *props[PROP_MAX_UNIQUE_BYTES + 1];

/**
 * tornadis_scanner_get_caller: (get-property caller)
 * @self: a scanner
 *
 * Gets what it calls on.
 *
 * Returns: (transfer none) (nullable): a client or a pool, or %NULL once the scanner is closed
 *
 * Since: 1.0
 */
TornadisCaller *
tornadis_scanner_get_caller (TornadisScanner *self)
{
  g_return_val_if_fail (TORNADIS_IS_SCANNER (self), NULL);

  return self->caller;
}

/**
 * tornadis_scanner_get_kind: (get-property kind)
 * @self: a scanner
 *
 * Gets what it goes through.
 *
 * Returns: the kind
 *
 * Since: 1.0
 */
TornadisScannerKind
tornadis_scanner_get_kind (TornadisScanner *self)
{
  g_return_val_if_fail (TORNADIS_IS_SCANNER (self), TORNADIS_SCANNER_KIND_KEYS);

  return self->kind;
}

/**
 * tornadis_scanner_get_key: (get-property key)
 * @self: a scanner
 *
 * Gets the key whose elements it goes through.
 *
 * Returns: (transfer none) (nullable): the key, or %NULL when it goes through keys
 *
 * Since: 1.0
 */
GBytes *
tornadis_scanner_get_key (TornadisScanner *self)
{
  g_return_val_if_fail (TORNADIS_IS_SCANNER (self), NULL);

  return self->key;
}

/**
 * tornadis_scanner_get_pattern: (get-property pattern)
 * @self: a scanner
 *
 * Gets what elements have to match.
 *
 * Returns: (nullable): the pattern, or %NULL
 *
 * Since: 1.0
 */
const char *
tornadis_scanner_get_pattern (TornadisScanner *self)
{
  g_return_val_if_fail (TORNADIS_IS_SCANNER (self), NULL);

  return self->pattern;
}

/**
 * tornadis_scanner_get_key_type: (get-property key-type)
 * @self: a scanner
 *
 * Gets of which type keys have to be.
 *
 * Returns: (nullable): the type, or %NULL
 *
 * Since: 1.0
 */
const char *
tornadis_scanner_get_key_type (TornadisScanner *self)
{
  g_return_val_if_fail (TORNADIS_IS_SCANNER (self), NULL);

  return self->key_type;
}

/**
 * tornadis_scanner_get_count: (get-property count)
 * @self: a scanner
 *
 * Gets how many elements the server looks at for a page.
 *
 * Returns: the number, or 0 when it is adapted
 *
 * Since: 1.0
 */
guint
tornadis_scanner_get_count (TornadisScanner *self)
{
  g_return_val_if_fail (TORNADIS_IS_SCANNER (self), 0);

  return self->count;
}

/**
 * tornadis_scanner_get_unique: (get-property unique)
 * @self: a scanner
 *
 * Gets whether each element is given once.
 *
 * Returns: %TRUE if none is given twice
 *
 * Since: 1.0
 */
gboolean
tornadis_scanner_get_unique (TornadisScanner *self)
{
  g_return_val_if_fail (TORNADIS_IS_SCANNER (self), FALSE);

  return self->unique;
}

/**
 * tornadis_scanner_get_max_unique_bytes: (get-property max-unique-bytes)
 * @self: a scanner
 *
 * Gets how much memory it takes to know what was given.
 *
 * Returns: the number of bytes
 *
 * Since: 1.0
 */
guint64
tornadis_scanner_get_max_unique_bytes (TornadisScanner *self)
{
  g_return_val_if_fail (TORNADIS_IS_SCANNER (self), 0);

  return self->max_unique_bytes;
}

/**
 * tornadis_scanner_set_max_unique_bytes: (set-property max-unique-bytes)
 * @self: a scanner
 * @max_unique_bytes: the number of bytes
 *
 * Sets how much memory it takes to know what was given. More than before lets a scanner go on that has failed with
 * %TORNADIS_ERROR_BUSY.
 *
 * Since: 1.0
 */
void
tornadis_scanner_set_max_unique_bytes (TornadisScanner *self,
                                       guint64 max_unique_bytes)
{
  g_return_if_fail (TORNADIS_IS_SCANNER (self));

  if (self->max_unique_bytes == max_unique_bytes)
    return;

  self->max_unique_bytes = max_unique_bytes;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_UNIQUE_BYTES]);
}

static void
tornadis_scanner_get_property (GObject *object,
                               guint prop_id,
                               GValue *value,
                               GParamSpec *pspec)
{
  TornadisScanner *self = TORNADIS_SCANNER (object);

  switch ((TornadisScannerProperty) prop_id)
    {
    case PROP_CALLER:
      g_value_set_object (value, self->caller);
      break;
    case PROP_KIND:
      g_value_set_enum (value, self->kind);
      break;
    case PROP_KEY:
      g_value_set_boxed (value, self->key);
      break;
    case PROP_PATTERN:
      g_value_set_string (value, self->pattern);
      break;
    case PROP_KEY_TYPE:
      g_value_set_string (value, self->key_type);
      break;
    case PROP_COUNT:
      g_value_set_uint (value, self->count);
      break;
    case PROP_UNIQUE:
      g_value_set_boolean (value, self->unique);
      break;
    case PROP_MAX_UNIQUE_BYTES:
      g_value_set_uint64 (value, self->max_unique_bytes);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
tornadis_scanner_set_property (GObject *object,
                               guint prop_id,
                               const GValue *value,
                               GParamSpec *pspec)
{
  TornadisScanner *self = TORNADIS_SCANNER (object);

  switch ((TornadisScannerProperty) prop_id)
    {
    case PROP_CALLER:
      self->caller = g_value_dup_object (value);
      break;
    case PROP_KIND:
      self->kind = g_value_get_enum (value);
      break;
    case PROP_KEY:
      self->key = g_value_dup_boxed (value);
      break;
    case PROP_PATTERN:
      self->pattern = g_value_dup_string (value);
      break;
    case PROP_KEY_TYPE:
      self->key_type = g_value_dup_string (value);
      break;
    case PROP_COUNT:
      self->count = g_value_get_uint (value);
      break;
    case PROP_UNIQUE:
      self->unique = g_value_get_boolean (value);
      break;
    case PROP_MAX_UNIQUE_BYTES:
      tornadis_scanner_set_max_unique_bytes (self, g_value_get_uint64 (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

void
tornadis_scanner_install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = tornadis_scanner_get_property;
  object_class->set_property = tornadis_scanner_set_property;

  /**
   * TornadisScanner:caller: (getter get_caller)
   *
   * What it calls on, a client or a pool; %NULL once it is closed.
   *
   * Since: 1.0
   */
  props[PROP_CALLER] = g_param_spec_object ("caller", NULL, NULL, TORNADIS_TYPE_CALLER, flags);

  /**
   * TornadisScanner:kind: (getter get_kind)
   *
   * What it goes through.
   *
   * Since: 1.0
   */
  props[PROP_KIND] =
    g_param_spec_enum ("kind", NULL, NULL, TORNADIS_TYPE_SCANNER_KIND, TORNADIS_SCANNER_KIND_KEYS, flags);

  /**
   * TornadisScanner:key: (getter get_key)
   *
   * The key whose elements it goes through, of any bytes; %NULL when it goes through keys.
   *
   * Since: 1.0
   */
  props[PROP_KEY] = g_param_spec_boxed ("key", NULL, NULL, G_TYPE_BYTES, flags);

  /**
   * TornadisScanner:pattern: (getter get_pattern)
   *
   * What keys, fields or members have to match, such as `user:*`, or %NULL: anything (`MATCH`). The server looks at all the
   * same.
   *
   * Since: 1.0
   */
  props[PROP_PATTERN] = g_param_spec_string ("pattern", NULL, NULL, NULL, flags);

  /**
   * TornadisScanner:key-type: (getter get_key_type)
   *
   * Of which type keys have to be, such as `hash` or `stream`, or %NULL: any (`TYPE`). Of keys alone; servers have it since
   * Redis 6.0.
   *
   * Since: 1.0
   */
  props[PROP_KEY_TYPE] = g_param_spec_string ("key-type", NULL, NULL, NULL, flags);

  /**
   * TornadisScanner:count: (getter get_count)
   *
   * How many elements the server looks at for a page (`COUNT`), of which it gives those that match, and sometimes more: all
   * at once of a small hash or set.
   *
   * With 0 it is between 10 and 10,000, as many as the server does within a few milliseconds, so that others do not wait. It
   * begins with 1,000 keys, or with 100 elements of a key, whose values may be long.
   *
   * Since: 1.0
   */
  props[PROP_COUNT] = g_param_spec_uint ("count", NULL, NULL, 0, G_MAXINT32, 0, flags);

  /**
   * TornadisScanner:unique: (getter get_unique)
   *
   * Whether each key, field or member is given once. All that were given are then kept in memory, up to
   * [property@Tornadis.Scanner:max-unique-bytes]. A field that is met again with another value is not given again.
   *
   * Since: 1.0
   */
  props[PROP_UNIQUE] = g_param_spec_boolean ("unique", NULL, NULL, FALSE, flags);

  /**
   * TornadisScanner:max-unique-bytes: (getter get_max_unique_bytes) (setter set_max_unique_bytes)
   *
   * How much memory a scanner that is [property@Tornadis.Scanner:unique] takes to know what was given, in bytes. Each element
   * needs its length and about 28.
   *
   * When it is reached a batch fails with %TORNADIS_ERROR_BUSY, and so does each after it, until the bound is raised.
   *
   * Since: 1.0
   */
  props[PROP_MAX_UNIQUE_BYTES] =
    g_param_spec_uint64 ("max-unique-bytes", NULL, NULL, 0, G_MAXUINT64, 256 * 1024 * 1024,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}
