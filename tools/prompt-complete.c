/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the word at the cursor may become: a command, a subcommand, or a key where the command has one. Keys are looked
 * for with SCAN, by a client of its own, and for a short time only: what is found by then is shown. */

#include "prompt.h"

#include <string.h>

#define SCAN_MSEC 300
#define SCAN_COUNT "1000"
#define MAX_KEYS 200

static TornadisClient *client; /* (owned) (nullable) */
static gboolean interrupted;

typedef struct
{
  GHashTable *keys;          /* (owned) (element-type GBytes) */
  char *pattern;             /* (owned) */
  gsize length;              /* of the pattern */
  GCancellable *cancellable; /* (owned) */
  gboolean done;
  gboolean given_up; /* by who started it: the last callback frees this */
} Scan;

void
prompt_complete_set_client (TornadisClient *for_completion)
{
  g_set_object (&client, for_completion);
}

void
prompt_complete_interrupt (void)
{
  interrupted = TRUE;
}

static void
scan_free (Scan *self)
{
  g_hash_table_unref (self->keys);
  g_free (self->pattern);
  g_object_unref (self->cancellable);
  g_free (self);
}

static void scan_step (Scan *self,
                       GBytes *cursor);

static void
scanned_cb (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  Scan *self = user_data;
  g_autoptr (TornadisReply) reply = tornadis_client_call_finish (TORNADIS_CLIENT (object), result, NULL);
  TornadisReply *found = reply != NULL ? tornadis_reply_get_element (reply, 1) : NULL;
  g_autoptr (GBytes) cursor = found != NULL ? tornadis_reply_get_bytes (tornadis_reply_get_element (reply, 0)) : NULL;

  if (self->given_up)
    {
      scan_free (self);
      return;
    }

  for (gsize i = 0; found != NULL && i < tornadis_reply_get_n_elements (found); i++)
    {
      GBytes *key = tornadis_reply_get_bytes (tornadis_reply_get_element (found, i));

      if (key != NULL)
        g_hash_table_add (self->keys, key);
    }

  if (cursor == NULL || prompt_word_is (cursor, "0") || g_hash_table_size (self->keys) >= MAX_KEYS)
    self->done = TRUE;
  else
    scan_step (self, cursor);
}

static void
scan_step (Scan *self,
           GBytes *cursor)
{
  g_autoptr (TornadisCommand) command = tornadis_command_new ("SCAN");
  g_autoptr (GBytes) pattern = g_bytes_new (self->pattern, self->length);

  tornadis_command_append_bytes (command, cursor);
  tornadis_command_append_string (command, "MATCH");
  tornadis_command_append_bytes (command, pattern);
  tornadis_command_append_string (command, "COUNT");
  tornadis_command_append_string (command, SCAN_COUNT);
  tornadis_client_call_async (client, command, self->cancellable, scanned_cb, self);
}

static gboolean
time_over_cb (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_CONTINUE;
}

static void
add_keys (GPtrArray *candidates,
          const char *prefix,
          gsize length)
{
  g_autoptr (GString) pattern = g_string_new (NULL);
  g_autoptr (GBytes) start = g_bytes_new_static ("0", 1);
  gboolean time_over = FALSE;
  guint timer;
  GHashTableIter iter;
  gpointer key;
  Scan *scan;

  if (client == NULL)
    return;

  for (gsize i = 0; i < length; i++)
    {
      if (prefix[i] != '\0' && strchr ("*?[]\\", prefix[i]) != NULL)
        g_string_append_c (pattern, '\\');
      g_string_append_c (pattern, prefix[i]);
    }
  g_string_append_c (pattern, '*');

  scan = g_new0 (Scan, 1);
  scan->keys = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  scan->length = pattern->len;
  scan->pattern = g_string_free (g_steal_pointer (&pattern), FALSE);
  scan->cancellable = g_cancellable_new ();
  interrupted = FALSE;
  timer = g_timeout_add (SCAN_MSEC, time_over_cb, &time_over);
  scan_step (scan, start);
  while (!scan->done && !time_over && !interrupted)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timer);

  g_hash_table_iter_init (&iter, scan->keys);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    g_ptr_array_add (candidates, g_bytes_ref (key));

  scan->given_up = TRUE;
  if (scan->done)
    scan_free (scan);
  else
    g_cancellable_cancel (scan->cancellable);
}

/* Whether the last letter is a small one: what is typed on is like it. Returns FALSE without any letter. */
static gboolean
ends_in_lower (const char *typed,
               gsize length)
{
  while (length > 0 && !g_ascii_isalpha (typed[length - 1]))
    length--;

  return length > 0 && g_ascii_islower (typed[length - 1]);
}

/* What is typed stays. The rest of a name is in capitals, unless what is typed of it, or the word before it, is not. */
static void
add_names (GPtrArray *candidates,
           GPtrArray *names,
           GBytes *before,
           const char *prefix,
           gsize length)
{
  gsize n_typed = length;
  const char *typed = length > 0 || before == NULL ? prefix : g_bytes_get_data (before, &n_typed);
  gboolean lower = ends_in_lower (typed, n_typed);

  for (guint i = 0; i < names->len; i++)
    {
      const char *name = g_ptr_array_index (names, i);
      char *text;

      if (g_ascii_strncasecmp (name, prefix, length) != 0)
        continue;
      /* The prompt's own words that begin with a colon have no capitals. */
      text = lower || *name == ':' ? g_ascii_strdown (name, -1) : g_ascii_strup (name, -1);
      memcpy (text, prefix, length);
      g_ptr_array_add (candidates, g_bytes_new_take (text, strlen (text)));
    }
}

static void
add_groups (GPtrArray *candidates,
            const char *prefix,
            gsize length)
{
  g_autoptr (GPtrArray) groups = prompt_commands_list_groups ();

  for (guint i = 0; i < groups->len; i++)
    {
      g_autofree char *name = g_strconcat ("@", g_ptr_array_index (groups, i), NULL);

      if (g_ascii_strncasecmp (name, prefix, length) == 0)
        g_ptr_array_add (candidates, g_bytes_new (name, strlen (name)));
    }
}

static void
add_candidates (GPtrArray *candidates,
                GPtrArray *words)
{
  guint position = words->len - 1;
  gsize length;
  const char *prefix = g_bytes_get_data (g_ptr_array_index (words, position), &length);
  g_autofree char *first = prompt_word_dup_lower (g_ptr_array_index (words, 0));
  g_autoptr (GPtrArray) names = NULL;

  if (position > 0 && strcmp (first, "help") == 0)
    {
      g_ptr_array_remove_index (words, 0);
      if (position == 1 && length > 0 && *prefix == '@')
        add_groups (candidates, prefix, length);
      else if (position <= 2)
        add_candidates (candidates, words);
      return;
    }

  names = prompt_commands_list (position > 0 ? first : NULL);
  if (position == 0)
    prompt_own_list (names);

  if (position == 0 || (position == 1 && names->len > 0))
    add_names (candidates, names, position > 0 ? g_ptr_array_index (words, 0) : NULL, prefix, length);
  else if (prompt_commands_is_key (words, position))
    add_keys (candidates, prefix, length);
}

static int
compare_candidates (gconstpointer a,
                    gconstpointer b)
{
  return g_bytes_compare (*(GBytes *const *) a, *(GBytes *const *) b);
}

/* How many bytes all have in common; half a character is none. */
static gsize
count_common (GPtrArray *candidates)
{
  gsize common, length;
  const char *first = g_bytes_get_data (g_ptr_array_index (candidates, 0), &common);
  const char *end;

  for (guint i = 1; i < candidates->len; i++)
    {
      const char *data = g_bytes_get_data (g_ptr_array_index (candidates, i), &length);
      gsize n = 0;

      while (n < MIN (common, length) && data[n] == first[n])
        n++;
      common = n;
    }

  g_bytes_get_data (g_ptr_array_index (candidates, 0), &length);
  if (common < length && g_utf8_validate_len (first, length, NULL) && !g_utf8_validate_len (first, common, &end))
    common = (gsize) (end - first);

  return common;
}

static char *
quote (const char *data,
       gsize length,
       char mark,
       gboolean closed)
{
  GString *text = g_string_new (NULL);

  prompt_word_append_quoted (text, data, length, mark, closed);
  return g_string_free (text, FALSE);
}

/* That which is open where a word begins, or '\0'. */
static char
get_mark (const char *word)
{
  return *word == '"' || *word == '\'' ? *word : '\0';
}

/* Completes the word at the end of @line, which begins at @start. Returns what all candidates have in common, then the
 * candidates, if there is more than one, or NULL. They are quoted as they are to be typed. */
char **
prompt_complete (const char *line,
                 gsize *start)
{
  const char *command = prompt_words_skip_count (line);
  g_auto (PromptWords) words = { 0 };
  g_autoptr (GPtrArray) candidates = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  GPtrArray *texts;
  const char *data;
  gsize length;
  char mark;

  if (!prompt_words_parse (&words, command, strlen (command)) || words.words->len == 0)
    return NULL;

  add_candidates (candidates, words.words);
  if (candidates->len == 0)
    return NULL;

  *start = (gsize) (command - line) + words.start;
  g_ptr_array_sort (candidates, compare_candidates);
  data = g_bytes_get_data (g_ptr_array_index (candidates, 0), NULL);
  mark = get_mark (command + words.start);
  texts = g_ptr_array_new ();
  g_ptr_array_add (texts, quote (data, count_common (candidates), mark, candidates->len == 1));
  for (guint i = 0; candidates->len > 1 && i < candidates->len; i++)
    {
      data = g_bytes_get_data (g_ptr_array_index (candidates, i), &length);
      g_ptr_array_add (texts, quote (data, length, mark, TRUE));
    }
  g_ptr_array_add (texts, NULL);

  return (char **) g_ptr_array_free (texts, FALSE);
}
