/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cache/cache-request.h"

#define MAX_ARGS 4096
/* No more arguments than this are read one by one. */
#define FEW_ARGS 4

/* Not those that give a time (TTL, XPENDING), choose at random, iterate, block, or read keys that they do not name
 * (SORT_RO with BY). */
const char *const cache_default_commands[] = {
  "BITCOUNT",
  "BITFIELD_RO",
  "BITPOS",
  "EXISTS",
  "GEODIST",
  "GEOHASH",
  "GEOPOS",
  "GEORADIUSBYMEMBER_RO",
  "GEORADIUS_RO",
  "GEOSEARCH",
  "GET",
  "GETBIT",
  "GETRANGE",
  "HEXISTS",
  "HGET",
  "HGETALL",
  "HKEYS",
  "HLEN",
  "HMGET",
  "HSTRLEN",
  "HVALS",
  "JSON.ARRINDEX",
  "JSON.ARRLEN",
  "JSON.GET",
  "JSON.MGET",
  "JSON.OBJKEYS",
  "JSON.OBJLEN",
  "JSON.RESP",
  "JSON.STRLEN",
  "JSON.TYPE",
  "LCS",
  "LINDEX",
  "LLEN",
  "LPOS",
  "LRANGE",
  "MGET",
  "SCARD",
  "SDIFF",
  "SINTER",
  "SINTERCARD",
  "SISMEMBER",
  "SMEMBERS",
  "SMISMEMBER",
  "STRLEN",
  "SUBSTR",
  "SUNION",
  "TS.GET",
  "TS.INFO",
  "TS.RANGE",
  "TS.REVRANGE",
  "TYPE",
  "XLEN",
  "XRANGE",
  "XREVRANGE",
  "ZCARD",
  "ZCOUNT",
  "ZDIFF",
  "ZINTER",
  "ZINTERCARD",
  "ZLEXCOUNT",
  "ZMSCORE",
  "ZRANGE",
  "ZRANGEBYLEX",
  "ZRANGEBYSCORE",
  "ZRANK",
  "ZREVRANGE",
  "ZREVRANGEBYLEX",
  "ZREVRANGEBYSCORE",
  "ZREVRANK",
  "ZSCORE",
  "ZUNION",
  NULL,
};

static void
append (GByteArray *buffer,
        gconstpointer data,
        gsize length)
{
  guint32 prefix = (guint32) length;

  g_byte_array_append (buffer, (const guint8 *) &prefix, sizeof prefix);
  g_byte_array_append (buffer, data, (guint) length);
}

static gboolean
append_arg (GByteArray *buffer,
            gconstpointer data,
            gsize length)
{
  if (length > G_MAXUINT32 / 2 - buffer->len)
    return FALSE;

  append (buffer, data, length);
  return TRUE;
}

static gboolean
append_many (GByteArray *buffer,
             TornadisCommand *command)
{
  g_autoptr (GPtrArray) args = tornadis_command_get_args (command);

  for (guint i = 1; i < args->len; i++)
    {
      gsize length;
      gconstpointer data = g_bytes_get_data (g_ptr_array_index (args, i), &length);

      if (!append_arg (buffer, data, length))
        return FALSE;
    }

  return TRUE;
}

gboolean
cache_request_write (GByteArray *buffer,
                     guint space,
                     TornadisCommand *command,
                     CacheBytes *request)
{
  gsize n_args = tornadis_command_get_n_args (command);
  const char *name = tornadis_command_get_name (command);

  if (n_args > MAX_ARGS)
    return FALSE;

  g_byte_array_set_size (buffer, 0);
  g_byte_array_append (buffer, (const guint8 *) &space, sizeof space);
  append (buffer, name, strlen (name));

  if (n_args > FEW_ARGS)
    {
      if (!append_many (buffer, command))
        return FALSE;
    }
  else
    {
      for (gsize i = 1; i < n_args; i++)
        {
          gsize length;
          const guint8 *data = tornadis_command_get_arg_data (command, i, &length);

          if (!append_arg (buffer, data, length))
            return FALSE;
        }
    }

  *request = cache_bytes (buffer->data, buffer->len);

  return TRUE;
}

static gboolean
matches_any (GPtrArray *globs,
             const char *text,
             gsize length)
{
  for (guint i = 0; i < globs->len; i++)
    if (g_pattern_spec_match (g_ptr_array_index (globs, i), length, text, NULL))
      return TRUE;

  return FALSE;
}

gboolean
cache_key_matches (GPtrArray *only,
                   GPtrArray *exclude,
                   const CacheBytes *key)
{
  g_autofree char *text = NULL;

  if (only == NULL && exclude == NULL)
    return TRUE;

  text = g_utf8_make_valid ((const char *) key->data, (gssize) key->length);

  return (only == NULL || matches_any (only, text, strlen (text))) &&
         (exclude == NULL || !matches_any (exclude, text, strlen (text)));
}

GPtrArray *
cache_globs_new (const char *const *globs)
{
  GPtrArray *self;

  if (globs == NULL || globs[0] == NULL)
    return NULL;

  self = g_ptr_array_new_with_free_func ((GDestroyNotify) g_pattern_spec_free);
  for (gsize i = 0; globs[i] != NULL; i++)
    g_ptr_array_add (self, g_pattern_spec_new (globs[i]));

  return self;
}
