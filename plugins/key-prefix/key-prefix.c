/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "key-prefix/key-prefix.h"

#include <stdlib.h>
#include <string.h>

#include "common/commands.h"

typedef struct
{
  const char *name;
  KeyRole role;
} NamedRole;

static int
compare_names (gconstpointer key,
               gconstpointer entry)
{
  return strcmp (key, ((const NamedRole *) entry)->name);
}

KeyRole
key_prefix_get_role (TornadisCommand *command)
{
  /* In alphabetical order. */
  static const NamedRole roles[] = {
    { "AUTH", KEY_ROLE_AUTH },
    { "BLMPOP", KEY_ROLE_POP },
    { "BLPOP", KEY_ROLE_POP },
    { "BRPOP", KEY_ROLE_POP },
    { "BZMPOP", KEY_ROLE_POP },
    { "BZPOPMAX", KEY_ROLE_POP },
    { "BZPOPMIN", KEY_ROLE_POP },
    { "DISCARD", KEY_ROLE_DISCARD },
    { "EXEC", KEY_ROLE_EXEC },
    { "HELLO", KEY_ROLE_AUTH },
    { "KEYS", KEY_ROLE_KEYS },
    { "LMPOP", KEY_ROLE_POP },
    { "MULTI", KEY_ROLE_MULTI },
    { "RANDOMKEY", KEY_ROLE_RANDOMKEY },
    { "SCAN", KEY_ROLE_SCAN },
    { "SORT", KEY_ROLE_SORT },
    { "SORT_RO", KEY_ROLE_SORT },
    { "XREAD", KEY_ROLE_STREAMS },
    { "XREADGROUP", KEY_ROLE_STREAMS },
    { "ZMPOP", KEY_ROLE_POP },
  };
  const NamedRole *found =
    bsearch (tornadis_command_get_name (command), roles, G_N_ELEMENTS (roles), sizeof *roles, compare_names);

  return found != NULL ? found->role : KEY_ROLE_PLAIN;
}

static GBytes *
join (gconstpointer before,
      gsize before_length,
      GBytes *bytes)
{
  gsize length;
  gconstpointer data = g_bytes_get_data (bytes, &length);
  guint8 *joined = g_malloc (before_length + length + 1);

  memcpy (joined, before, before_length);
  if (length > 0)
    memcpy (joined + before_length, data, length);

  return g_bytes_new_take (joined, before_length + length);
}

static void
args_replace (GPtrArray *args,
              guint i,
              GBytes *value)
{
  g_bytes_unref (args->pdata[i]);
  args->pdata[i] = value;
}

static void
args_add_prefix (GPtrArray *args,
                 guint i,
                 GBytes *prefix)
{
  gsize length;
  gconstpointer data = g_bytes_get_data (prefix, &length);

  args_replace (args, i, join (data, length, args->pdata[i]));
}

static gboolean
args_is (GPtrArray *args,
         guint i,
         const char *word)
{
  return argument_is (g_ptr_array_index (args, i), word);
}

/* The prefix as a pattern that matches it alone. */
static GString *
escape (GBytes *prefix)
{
  GString *escaped = g_string_new (NULL);
  gsize length;
  const char *data = g_bytes_get_data (prefix, &length);

  for (gsize i = 0; i < length; i++)
    {
      if (memchr ("*?[]\\", data[i], 5) != NULL)
        g_string_append_c (escaped, '\\');
      g_string_append_c (escaped, data[i]);
    }

  return escaped;
}

static void
args_add_escaped (GPtrArray *args,
                  guint i,
                  GBytes *prefix)
{
  GString *escaped = escape (prefix);

  args_replace (args, i, join (escaped->str, escaped->len, args->pdata[i]));
  g_string_free (escaped, TRUE);
}

/* SCAN cursor [MATCH pattern] [COUNT n] [TYPE type]: the last MATCH counts. */
static void
args_scan (GPtrArray *args,
           GBytes *prefix)
{
  gboolean matches = FALSE;

  for (guint i = 2; i < args->len; i += 2)
    {
      if (!args_is (args, i, "MATCH"))
        continue;
      matches = TRUE;
      if (i + 1 < args->len)
        args_add_escaped (args, i + 1, prefix);
    }

  /* The server complains if the cursor is missing. */
  if (!matches && args->len > 1)
    {
      g_ptr_array_add (args, g_bytes_new_static ("MATCH", 5));
      g_ptr_array_add (args, g_bytes_new_static ("*", 1));
      args_add_escaped (args, args->len - 1, prefix);
    }
}

/* SORT key [BY pattern] [LIMIT offset count] [GET pattern …] …: patterns without an asterisk name no key. */
static gboolean
args_sort (GPtrArray *args,
           GBytes *prefix,
           GError **error)
{
  gsize length;
  gconstpointer prefix_data = g_bytes_get_data (prefix, &length);
  gboolean has_asterisk = memchr (prefix_data, '*', length) != NULL;

  for (guint i = 2; i + 1 < args->len; i++)
    {
      gconstpointer pattern = g_bytes_get_data (args->pdata[i + 1], &length);

      if (args_is (args, i, "LIMIT"))
        {
          i += 2;
        }
      else if (args_is (args, i, "STORE"))
        {
          i++;
        }
      else if (args_is (args, i, "BY") || args_is (args, i, "GET"))
        {
          i++;
          if (length == 0 || memchr (pattern, '*', length) == NULL)
            continue;
          if (has_asterisk)
            {
              g_set_error_literal (error, TORNADIS_ERROR, TORNADIS_ERROR_PLUGIN,
                                   "The patterns of SORT cannot have a prefix with an asterisk");
              return FALSE;
            }
          args_add_prefix (args, i, prefix);
        }
    }

  return TRUE;
}

TornadisCommand *
key_prefix_add (GBytes *prefix,
                KeyRole role,
                TornadisCommand *command,
                GArray *positions,
                GError **error)
{
  g_autoptr (GPtrArray) args = NULL;

  if (positions->len == 0 && role != KEY_ROLE_KEYS && role != KEY_ROLE_SCAN)
    return tornadis_command_ref (command);

  args = tornadis_command_get_args (command);
  for (guint i = 0; i < positions->len; i++)
    args_add_prefix (args, g_array_index (positions, guint, i), prefix);

  if (role == KEY_ROLE_SORT && !args_sort (args, prefix, error))
    return NULL;
  if (role == KEY_ROLE_SCAN)
    args_scan (args, prefix);
  if (role == KEY_ROLE_KEYS && args->len > 1)
    args_add_escaped (args, 1, prefix);

  return tornadis_command_new_bytes ((GBytes **) args->pdata, args->len);
}

gboolean
key_prefix_is_named (GBytes *prefix,
                     TornadisReply *reply)
{
  gsize length, reply_length;
  gconstpointer data = g_bytes_get_data (prefix, &length);
  const guint8 *name = tornadis_reply_get_data (reply, &reply_length);

  return tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_STRING && reply_length >= length &&
         memcmp (name, data, length) == 0;
}

typedef TornadisReply *(*ReplyFunc) (GBytes *prefix,
                                     TornadisReply *reply);

static TornadisReply *
remove_from_name (GBytes *prefix,
                  TornadisReply *reply)
{
  g_autoptr (GBytes) name = NULL;
  g_autoptr (GBytes) rest = NULL;

  if (!key_prefix_is_named (prefix, reply))
    return tornadis_reply_ref (reply);

  name = tornadis_reply_get_bytes (reply);
  rest = g_bytes_new_from_bytes (name, g_bytes_get_size (prefix), g_bytes_get_size (name) - g_bytes_get_size (prefix));
  return tornadis_reply_new_string (rest);
}

/* The reply with every @step-th element from @first up to @last made anew; the others are shared. */
static TornadisReply *
remove_from_elements (GBytes *prefix,
                      TornadisReply *reply,
                      gsize first,
                      gsize last,
                      gsize step,
                      ReplyFunc func)
{
  gsize n = tornadis_reply_get_n_elements (reply);
  g_autoptr (GPtrArray) elements = NULL;

  if (n <= first)
    return tornadis_reply_ref (reply);

  elements = g_ptr_array_new_full ((guint) n, (GDestroyNotify) tornadis_reply_unref);
  for (gsize i = 0; i < n; i++)
    {
      TornadisReply *element = tornadis_reply_get_element (reply, i);
      gboolean named = i >= first && i <= last && (i - first) % step == 0;

      g_ptr_array_add (elements, named ? func (prefix, element) : tornadis_reply_ref (element));
    }

  return tornadis_reply_new_nested (tornadis_reply_get_kind (reply), (TornadisReply **) elements->pdata, n);
}

static TornadisReply *
remove_from_all (GBytes *prefix,
                 TornadisReply *reply)
{
  return remove_from_elements (prefix, reply, 0, G_MAXSIZE, 1, remove_from_name);
}

static TornadisReply *
remove_from_first (GBytes *prefix,
                   TornadisReply *reply)
{
  return remove_from_elements (prefix, reply, 0, 0, 1, remove_from_name);
}

TornadisReply *
key_prefix_remove (GBytes *prefix,
                   KeyRole role,
                   TornadisReply *reply)
{
  static const char nil[] = "$-1\r\n";

  switch (role)
    {
    case KEY_ROLE_KEYS:
      return remove_from_all (prefix, reply);
    case KEY_ROLE_SCAN:
      return remove_from_elements (prefix, reply, 1, 1, 1, remove_from_all);
    case KEY_ROLE_POP:
      return remove_from_first (prefix, reply);
    case KEY_ROLE_STREAMS:
      if (tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_MAP)
        return remove_from_elements (prefix, reply, 0, G_MAXSIZE, 2, remove_from_name);
      return remove_from_elements (prefix, reply, 0, G_MAXSIZE, 1, remove_from_first);
    case KEY_ROLE_RANDOMKEY:
      /* A key of somebody else's is reported as none. */
      if (tornadis_reply_get_kind (reply) == TORNADIS_REPLY_KIND_STRING && !key_prefix_is_named (prefix, reply))
        {
          g_autoptr (GBytes) resp = g_bytes_new_static (nil, strlen (nil));

          return tornadis_reply_new_from_resp (resp, NULL);
        }
      return remove_from_name (prefix, reply);
    case KEY_ROLE_PLAIN:
    case KEY_ROLE_AUTH:
    case KEY_ROLE_MULTI:
    case KEY_ROLE_EXEC:
    case KEY_ROLE_DISCARD:
    case KEY_ROLE_SORT:
    default:
      return tornadis_reply_ref (reply);
    }
}
