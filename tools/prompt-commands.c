/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands of the server at hand, as its COMMAND and COMMAND DOCS say: names, key specifications, arguments. They are
 * asked for by a client of their own, so that no transaction is disturbed. Without an answer there are no hints. */

#include "prompt.h"

#include <string.h>

/* Of a command in the reply of COMMAND. */
enum
{
  INFO_NAME,
  INFO_FIRST_KEY = 3,
  INFO_LAST_KEY,
  INFO_STEP,
  INFO_KEY_SPECS = 8,
  INFO_SUBCOMMANDS,
};

static GHashTable *infos;         /* (owned) (nullable): from names, as "client|list", to TornadisReply */
static GHashTable *docs;          /* (owned) (nullable): likewise */
static GCancellable *cancellable; /* (owned) (nullable) */

static GHashTable *
table_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) tornadis_reply_unref);
}

static void
table_add (GHashTable *table,
           TornadisReply *name,
           TornadisReply *value)
{
  const char *text = name != NULL ? tornadis_reply_get_text (name) : NULL;

  if (text != NULL && value != NULL)
    g_hash_table_insert (table, g_ascii_strdown (text, -1), tornadis_reply_ref (value));
}

/* A map, or with RESP2 a flat array. */
static void
add_docs (TornadisReply *reply)
{
  for (gsize i = 0; i + 1 < tornadis_reply_get_n_elements (reply); i += 2)
    {
      TornadisReply *value = tornadis_reply_get_element (reply, i + 1);
      TornadisReply *subcommands = tornadis_reply_lookup (value, "subcommands");

      table_add (docs, tornadis_reply_get_element (reply, i), value);
      if (subcommands != NULL)
        add_docs (subcommands);
    }
}

static void
add_infos (TornadisReply *reply)
{
  for (gsize i = 0; i < tornadis_reply_get_n_elements (reply); i++)
    {
      TornadisReply *info = tornadis_reply_get_element (reply, i);
      TornadisReply *subcommands = tornadis_reply_get_element (info, INFO_SUBCOMMANDS);

      table_add (infos, tornadis_reply_get_element (info, INFO_NAME), info);
      if (subcommands != NULL)
        add_infos (subcommands);
    }
}

static void
got_infos_cb (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, NULL);

  if (reply == NULL)
    return;

  g_clear_pointer (&infos, g_hash_table_unref);
  infos = table_new ();
  add_infos (reply);
}

static void
got_docs_cb (GObject *object,
             GAsyncResult *result,
             gpointer user_data)
{
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, NULL);

  if (reply == NULL)
    return;

  g_clear_pointer (&docs, g_hash_table_unref);
  docs = table_new ();
  add_docs (reply);
  prompt_line_refresh ();
}

/* Asks what there is, again if it was asked before: what is known meanwhile stays. */
void
prompt_commands_load (TornadisClient *client)
{
  g_autoptr (TornadisCommand) info = tornadis_command_new ("COMMAND");
  g_autoptr (TornadisCommand) documentation = tornadis_command_new_strv ((const char *[]){ "COMMAND", "DOCS", NULL });

  g_cancellable_cancel (cancellable);
  g_clear_object (&cancellable);
  cancellable = g_cancellable_new ();
  tornadis_client_call_async (client, info, cancellable, got_infos_cb, NULL);
  tornadis_client_call_async (client, documentation, cancellable, got_docs_cb, NULL);
}

gboolean
prompt_commands_is_known (void)
{
  return infos != NULL && docs != NULL;
}

void
prompt_commands_clear (void)
{
  g_cancellable_cancel (cancellable);
  g_clear_object (&cancellable);
  g_clear_pointer (&infos, g_hash_table_unref);
  g_clear_pointer (&docs, g_hash_table_unref);
}

/* Lists the names of all commands, or of the subcommands of one. Returns: (element-type utf8) (transfer full) */
GPtrArray *
prompt_commands_list (const char *container)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *prefix = container != NULL ? g_strconcat (container, "|", NULL) : g_strdup ("");
  GHashTable *table = infos != NULL ? infos : docs;
  GHashTableIter iter;
  gpointer name;

  if (table == NULL)
    return names;

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (g_str_has_prefix (name, prefix) && strchr ((char *) name + strlen (prefix), '|') == NULL)
      g_ptr_array_add (names, g_strdup ((char *) name + strlen (prefix)));

  return names;
}

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Lists the groups of commands, as "string". Returns: (element-type utf8) (transfer full): in order */
GPtrArray *
prompt_commands_list_groups (void)
{
  GPtrArray *groups = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer value;

  if (docs == NULL)
    return groups;

  g_hash_table_iter_init (&iter, docs);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      TornadisReply *group = tornadis_reply_lookup (value, "group");
      const char *name = group != NULL ? tornadis_reply_get_text (group) : NULL;

      if (name != NULL && !g_ptr_array_find_with_equal_func (groups, name, g_str_equal, NULL))
        g_ptr_array_add (groups, g_strdup (name));
    }
  g_ptr_array_sort (groups, compare_names);

  return groups;
}

/* Lists what COMMAND DOCS says about. Returns: (element-type utf8) (transfer full): names as "client|list", in order */
GPtrArray *
prompt_commands_list_documented (void)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer name;

  if (docs == NULL)
    return names;

  g_hash_table_iter_init (&iter, docs);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);

  return names;
}

/* Gets what COMMAND DOCS says about one of these. Returns: (nullable) (transfer none) */
TornadisReply *
prompt_commands_get_docs_of (const char *name)
{
  return docs != NULL ? g_hash_table_lookup (docs, name) : NULL;
}

/* Finds the longest name that the first of @words are. */
static TornadisReply *
table_find (GHashTable *table,
            GPtrArray *words,
            guint *n_name_words)
{
  g_autofree char *name = words->len > 0 ? prompt_word_dup_lower (g_ptr_array_index (words, 0)) : NULL;
  TornadisReply *found = NULL;

  if (table == NULL || name == NULL || strchr (name, '|') != NULL)
    return NULL;

  if (words->len > 1)
    {
      g_autofree char *subname = prompt_word_dup_lower (g_ptr_array_index (words, 1));
      g_autofree char *whole = g_strconcat (name, "|", subname, NULL);

      *n_name_words = 2;
      found = g_hash_table_lookup (table, whole);
    }
  if (found == NULL)
    {
      *n_name_words = 1;
      found = g_hash_table_lookup (table, name);
    }

  return found;
}

/* Gets what COMMAND DOCS says about a command. Returns: (nullable) (transfer none) */
TornadisReply *
prompt_commands_get_docs (GPtrArray *words,
                          guint *n_name_words)
{
  return table_find (docs, words, n_name_words);
}

static gint64
lookup_integer (TornadisReply *map,
                const char *key)
{
  TornadisReply *value = map != NULL ? tornadis_reply_lookup (map, key) : NULL;

  return value != NULL ? tornadis_reply_get_integer (value) : 0;
}

static const char *
lookup_text (TornadisReply *map,
             const char *key)
{
  TornadisReply *value = map != NULL ? tornadis_reply_lookup (map, key) : NULL;
  const char *text = value != NULL ? tornadis_reply_get_text (value) : NULL;

  return text != NULL ? text : "";
}

/* Where the search for keys begins, -1: nowhere in these words. */
static gint64
find_begin (TornadisReply *begin_search,
            GPtrArray *words)
{
  TornadisReply *spec = tornadis_reply_lookup (begin_search, "spec");
  const char *type = lookup_text (begin_search, "type");
  const char *keyword = lookup_text (spec, "keyword");
  gint64 start = lookup_integer (spec, "startfrom");

  if (strcmp (type, "index") == 0)
    return lookup_integer (spec, "index");
  if (strcmp (type, "keyword") != 0)
    return -1;

  /* One that is counted from the end, which is not typed yet: the first is as good. */
  for (guint i = (guint) MAX (start, 1); i < words->len; i++)
    if (prompt_word_is (g_ptr_array_index (words, i), keyword))
      return i + 1;

  return -1;
}

static gboolean
key_spec_matches (TornadisReply *key_spec,
                  GPtrArray *words,
                  gint64 position)
{
  TornadisReply *begin_search = tornadis_reply_lookup (key_spec, "begin_search");
  TornadisReply *find_keys = tornadis_reply_lookup (key_spec, "find_keys");
  TornadisReply *spec = find_keys != NULL ? tornadis_reply_lookup (find_keys, "spec") : NULL;
  gint64 begin = begin_search != NULL ? find_begin (begin_search, words) : -1;
  gint64 step = MAX (lookup_integer (spec, "keystep"), 1);
  gint64 last = lookup_integer (spec, "lastkey");

  if (begin < 0 || spec == NULL)
    return FALSE;

  if (strcmp (lookup_text (find_keys, "type"), "keynum") == 0)
    {
      gint64 where = begin + lookup_integer (spec, "keynumidx");
      GBytes *count = where < words->len ? g_ptr_array_index (words, where) : NULL;
      g_autofree char *text = count != NULL ? prompt_word_dup_lower (count) : NULL;

      begin += lookup_integer (spec, "firstkey");
      last = text != NULL ? (g_ascii_strtoll (text, NULL, 10) - 1) * step : -1;
      if (last < 0)
        return FALSE;
    }
  else if (last < 0)
    {
      last = G_MAXINT;
    }

  return position >= begin && position <= begin + last && (position - begin) % step == 0;
}

/* Whether a key stands, or is to stand, at @position of @words, by what the server says about the command. */
gboolean
prompt_commands_is_key (GPtrArray *words,
                        guint position)
{
  guint n_name_words;
  TornadisReply *info = table_find (infos, words, &n_name_words);
  TornadisReply *key_specs = info != NULL ? tornadis_reply_get_element (info, INFO_KEY_SPECS) : NULL;
  gint64 first, last, step;

  if (info == NULL)
    return FALSE;

  for (gsize i = 0; key_specs != NULL && i < tornadis_reply_get_n_elements (key_specs); i++)
    if (key_spec_matches (tornadis_reply_get_element (key_specs, i), words, position))
      return TRUE;
  if (key_specs != NULL)
    return FALSE;

  /* Servers before Redis 7 have no specifications. */
  first = tornadis_reply_get_integer (tornadis_reply_get_element (info, INFO_FIRST_KEY));
  last = tornadis_reply_get_integer (tornadis_reply_get_element (info, INFO_LAST_KEY));
  step = tornadis_reply_get_integer (tornadis_reply_get_element (info, INFO_STEP));

  return first > 0 && position >= first && (last < 0 || position <= last) && (position - first) % MAX (step, 1) == 0;
}
