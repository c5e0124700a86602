/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The messages that a server publishes about its keys:
 *
 *   channel                        payload
 *   __keyspace@<db>__:<key>        <event>
 *   __keyevent@<db>__:<event>      <key>
 *   __subkeyspace@<db>__:<key>     <event>|<length>:<subkey>[,<length>:<subkey>…]
 *   __subkeyevent@<db>__:<event>   <length>:<key>|<length>:<subkey>[,…]
 *
 * Keys and subkeys are any bytes. Subkeys, which are the fields of a hash, are told since Redis 8.8. */

#include "tornadis-glib/data/tornadis-keyspace-private.h"

#include <string.h>

static const char *const stems[] = {
  [TORNADIS_KEYSPACE_KEY] = "keyspace",
  [TORNADIS_KEYSPACE_EVENT] = "keyevent",
  [TORNADIS_KEYSPACE_SUBKEY] = "subkeyspace",
  [TORNADIS_KEYSPACE_SUBKEY_EVENT] = "subkeyevent",
};

/* What is left of some bytes. */
typedef struct
{
  GBytes *bytes; /* (unowned) */
  gsize at;
} Rest;

static const char *
rest_get (const Rest *self,
          gsize *length)
{
  const char *data = g_bytes_get_data (self->bytes, length);

  *length -= self->at;

  return data != NULL ? data + self->at : "";
}

/* (transfer full): the next @length bytes, which there are. */
static GBytes *
rest_take (Rest *self,
           gsize length)
{
  GBytes *taken = g_bytes_new_from_bytes (self->bytes, self->at, length);

  self->at += length;

  return taken;
}

/* (transfer full) */
static char *
rest_take_text (Rest *self,
                gsize length)
{
  gsize there;
  const char *data = rest_get (self, &there);

  self->at += length;

  return g_utf8_make_valid (data, (gssize) length);
}

/* Whether @expected comes next; goes past it. */
static gboolean
rest_skip (Rest *self,
           char expected)
{
  gsize length;
  const char *data = rest_get (self, &length);

  if (length == 0 || *data != expected)
    return FALSE;

  self->at++;
  return TRUE;
}

/* (transfer full) (nullable): what stands behind its length; NULL: it does not, or there is less of it. */
static GBytes *
rest_take_counted (Rest *self)
{
  gsize length, counted = 0, i = 0;
  const char *data = rest_get (self, &length);

  /* No more than there is: it cannot overflow. */
  for (; i < length && g_ascii_isdigit (data[i]) && counted <= length; i++)
    counted = counted * 10 + (gsize) g_ascii_digit_value (data[i]);
  if (i == 0 || i == length || data[i] != ':' || counted > length - i - 1)
    return NULL;

  self->at += i + 1;

  return rest_take (self, counted);
}

static gboolean
rest_take_subkeys (Rest *self,
                   GPtrArray *subkeys)
{
  gsize length;

  do
    {
      GBytes *subkey = rest_take_counted (self);

      if (subkey == NULL)
        return FALSE;
      g_ptr_array_add (subkeys, subkey);
    }
  while (rest_skip (self, ','));

  rest_get (self, &length);

  return length == 0;
}

void
tornadis_keyspace_append_literal (GString *pattern,
                                  const char *text,
                                  gsize length)
{
  for (gsize i = 0; i < length; i++)
    {
      if (memchr ("*?[]\\", text[i], 5) != NULL)
        g_string_append_c (pattern, '\\');
      g_string_append_c (pattern, text[i]);
    }
}

char *
tornadis_keyspace_dup_prefix (TornadisKeyspaceFamily family,
                              int db)
{
  return g_strdup_printf ("__%s@%d__:", stems[family], db);
}

void
tornadis_keyspace_notification_clear (TornadisKeyspaceNotification *self)
{
  g_clear_pointer (&self->key, g_bytes_unref);
  g_clear_pointer (&self->event, g_free);
  g_clear_pointer (&self->subkeys, g_ptr_array_unref);
}

static gboolean
notification_parse_by_key (TornadisKeyspaceNotification *self,
                           Rest *channel,
                           Rest *payload)
{
  gsize length, key_length;
  const char *event = rest_get (payload, &length);

  rest_get (channel, &key_length);
  if (self->subkeys != NULL)
    {
      const char *end = memchr (event, '|', length);

      if (end == NULL)
        return FALSE;
      length = (gsize) (end - event);
    }
  if (length == 0)
    return FALSE;

  self->key = rest_take (channel, key_length);
  self->event = rest_take_text (payload, length);

  return self->subkeys == NULL || (rest_skip (payload, '|') && rest_take_subkeys (payload, self->subkeys));
}

static gboolean
notification_parse_by_event (TornadisKeyspaceNotification *self,
                             Rest *channel,
                             Rest *payload)
{
  gsize length, event_length;

  rest_get (channel, &event_length);
  rest_get (payload, &length);
  if (event_length == 0)
    return FALSE;

  self->event = rest_take_text (channel, event_length);
  self->key = self->subkeys != NULL ? rest_take_counted (payload) : rest_take (payload, length);

  return self->key != NULL && (self->subkeys == NULL || (rest_skip (payload, '|') && rest_take_subkeys (payload, self->subkeys)));
}

/* Whether @channel, of which there are @length bytes, begins as those of @family do, and of @db; where it goes on. */
static gboolean
begins_as (TornadisKeyspaceFamily family,
           int db,
           const char *channel,
           gsize length,
           gsize *prefix_length)
{
  char prefix[sizeof "__subkeyspace@-2147483648__:"];
  int n = g_snprintf (prefix, sizeof prefix, "__%s@%d__:", stems[family], db);

  *prefix_length = (gsize) n;

  return length >= *prefix_length && memcmp (channel, prefix, *prefix_length) == 0;
}

gboolean
tornadis_keyspace_notification_parse (TornadisKeyspaceNotification *self,
                                      TornadisMessage *message,
                                      int db)
{
  g_autoptr (GBytes) name = tornadis_message_get_channel_bytes (message);
  g_autoptr (GBytes) text = tornadis_message_get_payload (message);
  Rest channel = { name, 0 };
  Rest payload = { text, 0 };
  gsize length;
  const char *data = g_bytes_get_data (name, &length);
  guint family = 0;
  gboolean is_done;

  *self = (TornadisKeyspaceNotification){ 0 };
  while (family < G_N_ELEMENTS (stems) && !begins_as (family, db, data, length, &channel.at))
    family++;
  if (family == G_N_ELEMENTS (stems) || text == NULL)
    return FALSE;

  if (family == TORNADIS_KEYSPACE_SUBKEY || family == TORNADIS_KEYSPACE_SUBKEY_EVENT)
    self->subkeys = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  is_done = family == TORNADIS_KEYSPACE_EVENT || family == TORNADIS_KEYSPACE_SUBKEY_EVENT
              ? notification_parse_by_event (self, &channel, &payload)
              : notification_parse_by_key (self, &channel, &payload);
  if (!is_done)
    tornadis_keyspace_notification_clear (self);

  return is_done;
}
